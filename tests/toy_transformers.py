"""Tiny image networks of transformers, made in code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HIDDEN, LAYERS, SIDE = 32, 3, 32
SPREAD = {"initializer_range": 0.25}  # so that the features of two pictures differ plainly
TOKENS = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "image_size": SIDE,
    "patch_size": 8,
    **SPREAD,
}
STAGES = {"hidden_sizes": [8, 16, 24], "depths": [1, 1, 1]}
# kind: (class of the config, its settings, processor, widths, poolings)
UNIFORM = {
    "vit": ("ViTConfig", TOKENS, "ViT"),
    "deit": ("DeiTConfig", TOKENS, "DeiT"),
    "dinov2": ("Dinov2Config", {**TOKENS, "mlp_ratio": 2}, "Bit"),
    "registers": (
        "Dinov2WithRegistersConfig",
        {**TOKENS, "mlp_ratio": 2, "num_register_tokens": 2},
        "Bit",
    ),
    "beit": (
        "BeitConfig",
        {**TOKENS, "use_relative_position_bias": True, "use_mean_pooling": False},
        "Beit",
    ),
    "clip": ("CLIPVisionConfig", TOKENS, "CLIP"),
}
STAGED: dict[str, tuple[str, dict[str, Any], str, tuple[int, ...]]] = {
    "resnet": (
        "ResNetConfig",
        {"embedding_size": 8, **STAGES, "layer_type": "basic"},
        "ConvNext",
        (8, 16, 24),
    ),
    "regnet": (
        "RegNetConfig",
        {"embedding_size": 8, **STAGES, "groups_width": 8},
        "ConvNext",
        (8, 8, 16, 24),
    ),
    "convnext": (
        "ConvNextConfig",
        {**STAGES, "num_stages": 3, "patch_size": 2, "layer_scale_init_value": 1.0},
        "ConvNext",
        (8, 16, 24),
    ),
    "convnextv2": (
        "ConvNextV2Config",
        {**STAGES, "num_stages": 3, "patch_size": 2, "layer_scale_init_value": 1.0},
        "ConvNext",
        (8, 16, 24),
    ),
    "mobilenet_v1": (
        "MobileNetV1Config",
        {"depth_multiplier": 0.25, "image_size": SIDE, **SPREAD},
        "MobileNetV1",
        (16, 32, 64, 128, 256),
    ),
    "mobilenet_v2": (
        "MobileNetV2Config",
        {"depth_multiplier": 0.25, "image_size": SIDE, **SPREAD},
        "MobileNetV2",
        (8, 8, 24, 80, 1280),
    ),
    "swin": (
        "SwinConfig",
        {
            **{"embed_dim": 8, "depths": [1, 1, 1], "num_heads": [2, 2, 2], "window_size": 2},
            **{"image_size": SIDE, "patch_size": 2},
        },
        "ViT",
        (8, 16, 32, 32),
    ),
}


def checkpoint(kind: str, folder: Path, *, seed: int = 0) -> Path:
    """A tiny network with random weights and its processor, as transformers writes them."""
    import torch
    import transformers

    name, settings, processor = (UNIFORM | STAGED)[kind][:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = getattr(transformers, name)(**settings)
        alone = getattr(transformers, name.replace("Config", "Model"))
        network = alone(config).eval()
        for module in network.modules():  # as after some training: not the 0 and 1 of a fresh one
            if getattr(module, "running_mean", None) is not None:
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    network.save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    edge = {"shortest_edge": 40}
    sizes = {
        "Bit": {"size": edge, "crop_size": size},
        "CLIP": {"size": edge, "crop_size": size},
        "ConvNext": {"size": {"shortest_edge": SIDE}},
        "MobileNetV1": {"size": edge, "crop_size": size},
        "MobileNetV2": {"size": edge, "crop_size": size},
        "DeiT": {"size": {"height": 40, "width": 40}, "crop_size": size},
    }
    made = getattr(transformers, f"{processor}ImageProcessorPil")
    made(**sizes.get(processor, {"size": size})).save_pretrained(folder)
    return folder
