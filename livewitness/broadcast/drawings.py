"""Product pictures for the slides, made of simple shapes on a 400 x 400 canvas.

Each function takes a drawing context and a function that scales a flat list of coordinates to the
canvas in use. The context is Pillow's; Pen names what is used of it, because Pillow is not a
dependency of the project.
"""

from collections.abc import Callable
from typing import Protocol


class Pen(Protocol):
    """The part of Pillow's ImageDraw that the slides use; coordinates are flat x, y lists."""

    def rectangle(self, xy: list[float], fill: str) -> None:
        """Fill a rectangle."""

    def rounded_rectangle(self, xy: list[float], radius: float, fill: str) -> None:
        """Fill a rectangle with round corners."""

    def ellipse(self, xy: list[float], fill: str = ..., outline: str = ..., width: int = ...) -> None:
        """Fill or outline the ellipse inside a box."""

    def polygon(self, xy: list[float], fill: str) -> None:
        """Fill a polygon."""

    def line(self, xy: list[float], fill: str, width: int) -> None:
        """Draw a line."""

    def arc(self, xy: list[float], start: float, end: float, fill: str, width: int) -> None:
        """Draw an arc; angles in degrees, clockwise from three o'clock."""

    def pieslice(self, xy: list[float], start: float, end: float, fill: str) -> None:
        """Fill a slice of the ellipse inside a box; angles as for an arc."""

    def text(self, xy: tuple[float, float], text: str, *, font: object, fill: str, anchor: str) -> None:
        """Write one line of text; ``anchor`` is Pillow's two letters."""


Scale = Callable[..., list[float]]
Drawing = Callable[[Pen, Scale], None]

INK = "#3b3550"
CREAM = "#fff7ee"
ROSE = "#f08a9b"
GOLD = "#e3b35b"
LEAF = "#5aa67a"
SKY = "#6f9fe0"
SAND = "#e8cfae"
WHITE = "#ffffff"


def draw_bottle(pen: Pen, at: Scale) -> None:
    """A dropper bottle."""
    pen.rounded_rectangle(at(180, 30, 220, 110), at(14)[0], fill=INK)
    pen.rectangle(at(165, 100, 235, 135), fill=GOLD)
    pen.rounded_rectangle(at(125, 130, 275, 375), at(30)[0], fill=ROSE)
    pen.rounded_rectangle(at(150, 200, 250, 310), at(8)[0], fill=CREAM)
    pen.polygon(at(200, 218, 224, 262, 200, 290, 176, 262), fill=ROSE)


def draw_tube(pen: Pen, at: Scale) -> None:
    """A squeezed tube standing on its cap."""
    pen.polygon(at(110, 40, 290, 40, 255, 310, 145, 310), fill=SKY)
    pen.rectangle(at(105, 30, 295, 60), fill=WHITE)
    pen.rounded_rectangle(at(150, 305, 250, 370), at(10)[0], fill=INK)
    pen.ellipse(at(165, 130, 235, 200), fill=WHITE)
    pen.line(at(160, 235, 240, 235), fill=WHITE, width=int(at(8)[0]))


def draw_jar(pen: Pen, at: Scale) -> None:
    """A cream jar with a lid and a label."""
    pen.rounded_rectangle(at(80, 110, 320, 190), at(18)[0], fill=GOLD)
    pen.rounded_rectangle(at(65, 180, 335, 350), at(40)[0], fill=SAND)
    pen.rectangle(at(65, 235, 335, 300), fill=ROSE)
    pen.ellipse(at(178, 245, 222, 290), fill=WHITE)


def draw_mask(pen: Pen, at: Scale) -> None:
    """A sheet mask with holes for eyes, nose and mouth."""
    pen.ellipse(at(80, 30, 320, 370), fill=WHITE)
    pen.ellipse(at(125, 140, 185, 175), fill=SAND)
    pen.ellipse(at(215, 140, 275, 175), fill=SAND)
    pen.polygon(at(200, 185, 225, 245, 175, 245), fill=SAND)
    pen.ellipse(at(155, 275, 245, 315), fill=ROSE)


def draw_pillow(pen: Pen, at: Scale) -> None:
    """A plump pillow with a stripe."""
    pen.rounded_rectangle(at(40, 120, 360, 300), at(80)[0], fill=WHITE)
    pen.rounded_rectangle(at(85, 150, 315, 270), at(55)[0], fill=SKY)
    pen.arc(at(110, 160, 290, 300), 200, 340, fill=WHITE, width=int(at(8)[0]))


def draw_tub(pen: Pen, at: Scale) -> None:
    """A powder tub with its scoop."""
    pen.rounded_rectangle(at(95, 50, 305, 115), at(14)[0], fill=INK)
    pen.rounded_rectangle(at(85, 110, 315, 370), at(22)[0], fill=LEAF)
    pen.rectangle(at(85, 180, 315, 300), fill=CREAM)
    pen.ellipse(at(160, 200, 230, 270), fill=GOLD)
    pen.line(at(225, 240, 290, 215), fill=GOLD, width=int(at(14)[0]))


def draw_juice(pen: Pen, at: Scale) -> None:
    """A glass of juice with a straw and a slice."""
    pen.line(at(225, 110, 275, 20), fill=ROSE, width=int(at(14)[0]))
    pen.polygon(at(100, 90, 300, 90, 270, 375, 130, 375), fill=WHITE)
    pen.polygon(at(112, 160, 288, 160, 264, 365, 136, 365), fill="#f6a53c")
    pen.ellipse(at(60, 60, 170, 170), fill="#f9c64e")
    pen.ellipse(at(75, 75, 155, 155), outline=WHITE, width=int(at(6)[0]))


def draw_tea(pen: Pen, at: Scale) -> None:
    """A tea tin with a leaf."""
    pen.rounded_rectangle(at(105, 60, 295, 130), at(12)[0], fill=GOLD)
    pen.rounded_rectangle(at(95, 120, 305, 370), at(14)[0], fill=LEAF)
    pen.ellipse(at(140, 180, 260, 310), fill=CREAM)
    pen.polygon(at(200, 195, 235, 250, 200, 298, 165, 250), fill=LEAF)
    pen.line(at(200, 195, 200, 310), fill=CREAM, width=int(at(5)[0]))


def draw_coupon(pen: Pen, at: Scale) -> None:
    """A coupon with a perforation."""
    pen.rounded_rectangle(at(30, 120, 370, 290), at(20)[0], fill=ROSE)
    pen.ellipse(at(240, 100, 280, 140), fill=CREAM)
    pen.ellipse(at(240, 270, 280, 310), fill=CREAM)
    for top in range(150, 260, 24):
        pen.line(at(260, top, 260, top + 12), fill=WHITE, width=int(at(5)[0]))
    pen.ellipse(at(95, 155, 195, 255), fill=GOLD)


def draw_sweater(pen: Pen, at: Scale) -> None:
    """A round-neck sweater."""
    pen.polygon(at(110, 80, 30, 210, 90, 250, 140, 190), fill=INK)
    pen.polygon(at(290, 80, 370, 210, 310, 250, 260, 190), fill=INK)
    pen.rounded_rectangle(at(105, 75, 295, 350), at(20)[0], fill=INK)
    pen.ellipse(at(155, 50, 245, 115), fill=CREAM)
    for top in (180, 220, 260):
        pen.line(at(120, top, 280, top), fill=ROSE, width=int(at(8)[0]))


def draw_bag(pen: Pen, at: Scale) -> None:
    """A handbag."""
    pen.arc(at(130, 40, 270, 240), 180, 360, fill=INK, width=int(at(16)[0]))
    pen.polygon(at(80, 140, 320, 140, 355, 350, 45, 350), fill="#b8694b")
    pen.polygon(at(80, 140, 320, 140, 332, 215, 68, 215), fill="#9a5238")
    pen.rounded_rectangle(at(178, 195, 222, 245), at(8)[0], fill=GOLD)


def draw_bangle(pen: Pen, at: Scale) -> None:
    """A jade bangle."""
    pen.ellipse(at(50, 60, 350, 350), fill=LEAF)
    pen.ellipse(at(105, 115, 295, 295), fill=CREAM)
    pen.arc(at(70, 80, 330, 330), 200, 260, fill="#bfe3cd", width=int(at(12)[0]))


def draw_headphones(pen: Pen, at: Scale) -> None:
    """Headphones with a band."""
    pen.arc(at(70, 50, 330, 330), 180, 360, fill=INK, width=int(at(26)[0]))
    pen.rounded_rectangle(at(50, 185, 125, 340), at(30)[0], fill=SKY)
    pen.rounded_rectangle(at(275, 185, 350, 340), at(30)[0], fill=SKY)


def draw_shop(pen: Pen, at: Scale) -> None:
    """A shop front with an awning."""
    pen.rectangle(at(75, 170, 325, 360), fill=WHITE)
    for index, left in enumerate(range(50, 350, 60)):
        pen.rectangle(at(left, 80, left + 60, 165), fill=ROSE if index % 2 == 0 else CREAM)
        pen.pieslice(at(left, 135, left + 60, 195), 0, 180, fill=ROSE if index % 2 == 0 else CREAM)
    pen.rectangle(at(110, 225, 190, 360), fill=SKY)
    pen.rectangle(at(215, 225, 295, 300), fill=GOLD)


def draw_host(pen: Pen, at: Scale) -> None:
    """The host: head, hair, shoulders and a microphone."""
    pen.ellipse(at(110, 50, 290, 290), fill=INK)
    pen.rounded_rectangle(at(60, 285, 340, 460), at(90)[0], fill=ROSE)
    pen.rectangle(at(170, 235, 230, 300), fill="#f1c7a8")
    pen.ellipse(at(130, 80, 270, 260), fill="#f7d7bf")
    pen.pieslice(at(122, 58, 278, 200), 180, 360, fill=INK)
    pen.ellipse(at(163, 158, 179, 174), fill=INK)
    pen.ellipse(at(221, 158, 237, 174), fill=INK)
    pen.arc(at(172, 180, 228, 225), 20, 160, fill="#c4566a", width=int(at(7)[0]))
    pen.line(at(300, 330, 275, 400), fill=INK, width=int(at(14)[0]))
    pen.ellipse(at(280, 285, 325, 340), fill=GOLD)
