"""Pictures that the demo draws, so that there is something to fit where there are no photos.

Eight kinds of things in random colours, places and sizes before random backgrounds; the same seed
draws the same pictures. Some files are faulty on purpose, as those of a real folder are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image as Picture
    from PIL.ImageDraw import ImageDraw

__all__ = ["THINGS", "draw_folder"]

SIZE = 128  # pixels of a side
BIG = 2 * SIZE  # things are drawn larger and scaled down, which smooths their edges
PER_CLASS = 60
Colour = tuple[int, int, int]


def draw_folder(folder: Path, *, per_class: int = PER_CLASS, seed: int = 0) -> int:
    """Draw class folders of pictures, and some faulty files among them.

    Args:
        folder: made where it is missing; files that are there already are drawn over.
        per_class: pictures of each of the `THINGS`.
        seed: of everything random.

    Returns:
        number of files.
    """
    count = 0
    for name, draw in THINGS.items():
        rng = random.Random(f"{seed}:{name}")
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            _picture(draw, rng).save(place / f"{name}_{number:03d}.jpg", quality=88)
            count += 1
    return count + _faulty_files(folder)


def _faulty_files(folder: Path) -> int:
    """A page saved as a picture, a file cut short, an empty one, one on its side, a copy."""
    from PIL import Image

    cup, boat = folder / "cup", folder / "boat"
    (cup / "cup_page.jpg").write_text("<!doctype html><title>404</title>not here", "utf-8")
    whole = (cup / "cup_000.jpg").read_bytes()
    (cup / "cup_cut.jpg").write_bytes(whole[: len(whole) // 2])
    (cup / "cup_empty.jpg").write_bytes(b"")
    (boat / "boat_copy.jpg").write_bytes((boat / "boat_000.jpg").read_bytes())
    turned = Image.open(boat / "boat_001.jpg").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by a quarter to see it upright
    turned.save(boat / "boat_turned.jpg", quality=88, exif=exif)
    return 5


def _picture(draw: Callable[[ImageDraw, Colour, Colour], None], rng: random.Random) -> Any:
    from PIL import Image, ImageDraw

    back = _background(rng)
    layer = Image.new("RGBA", (BIG, BIG))
    draw(ImageDraw.Draw(layer), _strong(rng), _strong(rng))
    side = int(SIZE * rng.uniform(0.45, 0.9))
    layer = layer.rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC).resize((side, side))
    if rng.random() < 0.5:
        layer = layer.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    room = SIZE - side
    back.paste(layer, (rng.randint(0, room), rng.randint(0, room)), layer)
    return _noisy(back, rng)


def _background(rng: random.Random) -> Picture.Image:
    """A slope between two pale colours with some shapes on it."""
    from PIL import Image, ImageDraw

    slope = Image.linear_gradient("L").resize((SIZE, SIZE)).rotate(90 * rng.randint(0, 3))
    back = Image.composite(
        Image.new("RGB", (SIZE, SIZE), _pale(rng)),
        Image.new("RGB", (SIZE, SIZE), _pale(rng)),
        slope,
    )
    draw = ImageDraw.Draw(back)
    for _ in range(rng.randint(2, 6)):
        x, y, r = rng.randint(0, SIZE), rng.randint(0, SIZE), rng.randint(6, 34)
        shape = rng.choice((draw.ellipse, draw.rectangle))
        shape((x - r, y - r, x + r, y + rng.randint(4, 34)), fill=_pale(rng))
    for _ in range(rng.randint(0, 4)):
        ends = [(rng.randint(0, SIZE), rng.randint(0, SIZE)) for _ in range(2)]
        draw.line(ends, fill=_strong(rng), width=rng.randint(1, 3))
    return back


def _noisy(picture: Picture.Image, rng: random.Random) -> Picture.Image:
    import numpy as np
    from PIL import Image

    grain = np.random.default_rng(rng.randrange(2**32)).normal(
        0, rng.uniform(2, 18), (SIZE, SIZE, 3)
    )
    return Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8))


def _pale(rng: random.Random) -> Colour:
    return rng.randint(150, 250), rng.randint(150, 250), rng.randint(150, 250)


def _strong(rng: random.Random) -> Colour:
    return rng.randint(0, 190), rng.randint(0, 190), rng.randint(0, 190)


def _cup(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.ellipse((150, 90, 236, 190), outline=one, width=20)
    draw.polygon([(30, 60), (190, 60), (170, 220), (50, 220)], fill=one)
    draw.ellipse((30, 40, 190, 80), fill=two)


def _house(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.rectangle((45, 120, 210, 235), fill=one)
    draw.polygon([(20, 125), (128, 25), (236, 125)], fill=two)
    draw.rectangle((105, 165, 150, 235), fill=two)


def _tree(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.rectangle((112, 150, 146, 245), fill=two)
    for x, y in ((128, 60), (80, 105), (176, 105), (128, 130)):
        draw.ellipse((x - 55, y - 50, x + 55, y + 50), fill=one)


def _fish(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.polygon([(170, 128), (245, 70), (245, 186)], fill=two)
    draw.ellipse((15, 75, 200, 181), fill=one)
    draw.ellipse((45, 105, 65, 125), fill=two)


def _clock(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.ellipse((20, 20, 236, 236), fill=one)
    draw.ellipse((45, 45, 211, 211), fill=(245, 245, 240))
    draw.line([(128, 128), (128, 65)], fill=two, width=12)
    draw.line([(128, 128), (180, 150)], fill=two, width=12)


def _umbrella(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.pieslice((15, 25, 241, 235), 180, 360, fill=one)
    draw.line([(128, 120), (128, 225)], fill=two, width=12)
    draw.arc((128, 200, 178, 250), 0, 180, fill=two, width=12)


def _boat(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.polygon([(15, 170), (241, 170), (200, 235), (60, 235)], fill=one)
    draw.line([(120, 170), (120, 20)], fill=one, width=10)
    draw.polygon([(130, 25), (130, 155), (225, 155)], fill=two)


def _key(draw: ImageDraw, one: Colour, two: Colour) -> None:
    draw.ellipse((15, 80, 110, 175), outline=one, width=24)
    draw.rectangle((105, 116, 245, 140), fill=one)
    for x in (185, 222):
        draw.rectangle((x, 138, x + 18, 178), fill=one)


def _star(draw: ImageDraw, one: Colour, two: Colour) -> None:
    turns = [math.pi * (i / 5 - 0.5) for i in range(10)]
    reach = [118 if i % 2 == 0 else 50 for i in range(10)]
    points = [
        (128 + r * math.cos(t), 128 + r * math.sin(t)) for t, r in zip(turns, reach, strict=True)
    ]
    draw.polygon(points, fill=one, outline=two)


THINGS: dict[str, Callable[[Any, Colour, Colour], None]] = {
    "boat": _boat,
    "clock": _clock,
    "cup": _cup,
    "fish": _fish,
    "house": _house,
    "key": _key,
    "star": _star,
    "tree": _tree,
    "umbrella": _umbrella,
}
