"""The tables and summary lines of images and of the bundle."""

from __future__ import annotations

from cells import Result, gain, reached, seconds, table

__all__ = ["IMAGES"]


def image_bases(found: Result) -> str:
    rows = []
    ordered = sorted(found["bases"].items(), key=lambda item: -item[1]["accuracy"])
    for name, told in ordered:
        low, high = told["interval"]
        rows.append(
            [
                name if name != "hog" else "HOG and colour, no pre-training",
                f"{told['accuracy']:.3f} ({low:.3f} to {high:.3f})",
                seconds(told["seconds"]),
                seconds(told["seconds_again"]),
                "–" if not told["parameters"] else f"{told['parameters'] / 1e6:.2f} M",
                f"{told['model_mb']:.1f} MB",
            ]
        )
    head = ["base", "accuracy of the probe (95 %)", "whole fit", "features stored"]
    return table([*head, "parameters", "model"], rows)


def line_image_bases(found: Result) -> list[list[str]]:
    told = ", ".join(f"{name} {found['bases'][name]['accuracy']:.3f}" for name in found["reached"])
    wanted = "MobileNetV2 ≥ .86, SqueezeNet 1.0 ≥ .84"
    return [["clothing10, probe", wanted, told, reached(found)]]


def image_tuning(found: Result) -> str:
    rows = []
    for seed, told in found["per_seed"].items():
        rows.append(
            [
                seed,
                *(f"{told[side]['accuracy']:.3f}" for side in ("probe", "ours", "peer")),
                told["ours"]["chosen"],
                seconds(told["ours"]["seconds"]["whole run"]),
                seconds(found["pooled"]["loop_seconds"]),
            ]
        )
    pooled = found["pooled"]
    rows.append(["**pooled**", "", f"**{gain(pooled['difference'])}** to the loop"])
    rows[-1] += ["", f"{gain(pooled['gain_over_probe'])} to the probe"]
    rows[-1] += ["", f"**{pooled['time_ratio']:.2f} ×**"]
    head = ["seed", "probe", "`auto`", "plain loop", "kept", "our time", "the loop's"]
    return table(head, rows)


def line_image_tuning(found: Result) -> list[list[str]]:
    pooled = found["pooled"]
    told = f"{gain(pooled['difference'])}, {pooled['time_ratio']:.2f} × its time"
    shown = gain(pooled["gain_over_probe"]) if pooled["gain_shown"] else "not shown"
    name = f"clothing10, `auto` against a plain loop, {pooled['seeds']} seeds"
    return [
        [name, "lower bound ≥ −2 points, ≤ 0.5 ×", told, reached(pooled)],
        ["clothing10, `auto` over its probe", "told", shown, ""],
    ]


def image_encoding(found: Result) -> str:
    rows = [
        [
            name,
            f"{told['per_second']['ours']:,.0f}",
            f"{told['per_second']['peer']:,.0f}",
            f"{told['ratio']:.2f}",
            f"{told['least_cosine']:.6f}",
        ]
        for name, told in found["networks"].items()
    ]
    head = ["network", "ours (pictures/s)", "torch and DataLoader", "ratio", "least cosine"]
    return table(head, rows)


def line_image_encoding(found: Result) -> list[list[str]]:
    told = " and ".join(f"{ratio:.2f} ×" for ratio in found["ratios"].values())
    met = "yes" if found["reached"] else "**no**"
    return [["encoding from JPEG files", "≥ 1.3 × a plain loop", told, met]]


def bundle(found: Result) -> str:
    row = [
        f"{found['mb']:.0f} MB",
        seconds(found["seconds_to_make"]),
        seconds(found["seconds_to_install_and_check"]),
    ]
    return table(["size", "made in", "installed and checked in"], [row])


def line_bundle(found: Result) -> list[list[str]]:
    told = f"{found['mb']:.0f} MB, {seconds(found['seconds_to_install_and_check'])}"
    return [["`bundle` of the demo's run", "≤ 700 MB, ≤ 3 min", told, reached(found)]]


IMAGES = {
    "image_bases": (image_bases, line_image_bases),
    "image_tuning": (image_tuning, line_image_tuning),
    "image_encoding": (image_encoding, line_image_encoding),
    "bundle": (bundle, line_bundle),
}
