"""Slides of the demo broadcast: product card, price, host, chat, live badge and running clock.

Pillow is imported inside functions: only whoever makes the media again needs it.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

from livewitness.broadcast import drawings

WIDTH, HEIGHT = 1280, 720
OVERSAMPLE = 2
CLOCK_START = 20 * 3600
SIMPLIFIED_FACE = 2
"""Index of the Simplified Chinese face in a Noto Sans CJK collection."""

PAPER, INK, RED, GREY = "#fbeee6", "#3b3550", "#e5384f", "#8a8298"


class Picture(Protocol):
    """The part of a Pillow image that is used here."""

    def copy(self) -> Self:
        """Return a picture of its own that may be drawn on."""

    def tobytes(self) -> bytes:
        """Return the pixels, row by row."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a slide shows of one product; ``note`` is on-screen text a reviewer may want."""

    draw: drawings.Drawing
    price: str
    note: str
    tint: str


CARDS: dict[str, Card] = {
    "晚间直播间": Card(drawings.draw_shop, "", "今晚 20:00 开播", "#ffd9c7"),
    "焕颜精华液": Card(drawings.draw_bottle, "¥129", "净含量 30 ml", "#fde3e6"),
    "清润保湿乳": Card(drawings.draw_tube, "¥69", "净含量 100 g", "#dfeaf9"),
    "国妆特字祛斑霜": Card(drawings.draw_jar, "¥158", "国妆特字20990001（演示编号，并非真实注册）", "#f3e2cf"),
    "花漾面膜": Card(drawings.draw_mask, "¥59", "5 片装", "#e7d8f0"),
    "乳胶枕头": Card(drawings.draw_pillow, "¥139", "60 × 40 × 9 cm", "#d8e3d5"),
    "乳清蛋白粉": Card(drawings.draw_tub, "¥199", "普通食品  净含量 900 g", "#e4efd9"),
    "轻享果汁": Card(drawings.draw_juice, "¥49", "12 瓶装", "#fbe7c3"),
    "高山绿茶": Card(drawings.draw_tea, "¥88", "净含量 250 g", "#dcecdf"),
    "新客优惠券": Card(drawings.draw_coupon, "¥10", "首单可用，今晚 24:00 前有效", "#fdf0d2"),
    "圆领毛衣": Card(drawings.draw_sweater, "¥89", "黑色  白色", "#f6dfd9"),
    "通勤手提包": Card(drawings.draw_bag, "¥99", "32 × 24 × 12 cm", "#f2e0cd"),
    "玉手镯": Card(drawings.draw_bangle, "¥699", "圈口 56 mm", "#e1efe7"),
    "头戴式耳机": Card(drawings.draw_headphones, "¥79", "重量 40 g", "#dde5f3"),
    "明晚八点再见": Card(drawings.draw_shop, "", "明晚 20:00 开播", "#ffd9c7"),
}

CHAT = (
    "小鱼：主播晚上好",
    "阿木：颜色有几种",
    "一只橙子：什么时候发货",
    "北北：声音很清楚",
    "山里人：可以看看细节吗",
    "豆包妈：已经下单了",
    "老周：尺码怎么选",
)
CHAT_SECONDS = 5


class SlideMaker:
    """Renders the picture of any second of the broadcast; keeps each title's base picture."""

    def __init__(self, font: str, bold_font: str) -> None:
        """``font`` and ``bold_font`` are paths of Noto Sans CJK collections (.ttc)."""
        self._image: Any = importlib.import_module("PIL.Image")
        self._draw: Any = importlib.import_module("PIL.ImageDraw")
        self._fonts: Any = importlib.import_module("PIL.ImageFont")
        self._files = {False: font, True: bold_font}
        self._bases: dict[str, Picture] = {}

    def render(self, title: str, second: int) -> bytes:
        """Return the RGB bytes (HEIGHT x WIDTH x 3) of one second."""
        if title not in self._bases:
            self._bases[title] = self._render_base(title, CARDS[title])
        picture = self._bases[title].copy()
        pen = self._draw.Draw(picture)
        now = CLOCK_START + second
        clock = f"{now // 3600:02d}:{now // 60 % 60:02d}:{now % 60:02d}"
        pen.text((1236, 50), clock, font=self._font(40, bold=True), fill=INK, anchor="rm")
        self._draw_chat(pen, second // CHAT_SECONDS)
        return picture.tobytes()

    def _font(self, size: int, bold: bool = False) -> object:
        face: object = self._fonts.truetype(self._files[bold], size, index=SIMPLIFIED_FACE)
        return face

    def _render_base(self, title: str, card: Card) -> Picture:
        size = (WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE)
        canvas = self._image.new("RGB", size, PAPER)
        pen = self._draw.Draw(canvas)
        _draw_panels(pen, card)
        base: Picture = canvas.resize((WIDTH, HEIGHT), self._image.Resampling.LANCZOS)
        self._draw_text(self._draw.Draw(base), title, card)
        return base

    def _draw_text(self, pen: drawings.Pen, title: str, card: Card) -> None:
        pen.text((128, 50), "直播中", font=self._font(26, bold=True), fill="white", anchor="mm")
        pen.text((216, 50), "播证演示直播间", font=self._font(28), fill=INK, anchor="lm")
        pen.text((76, 566), title, font=self._font(46, bold=True), fill=INK, anchor="lm")
        pen.text((76, 632), card.note, font=self._font(26), fill=GREY, anchor="lm")
        if card.price:
            pen.text((764, 566), card.price, font=self._font(56, bold=True), fill=RED, anchor="rm")
        disclaimer = "合成演示素材：商品、价格与说法均为虚构"
        pen.text((640, 698), disclaimer, font=self._font(18), fill=GREY, anchor="mm")

    def _draw_chat(self, pen: drawings.Pen, turn: int) -> None:
        for row in range(4):
            line = CHAT[(turn + row) % len(CHAT)]
            pen.text((876, 500 + row * 42), line, font=self._font(24), fill=INK, anchor="lm")


def _scale(left: int, top: int, factor: float) -> Callable[..., list[float]]:
    """Return a function that moves canvas coordinates into a slide; a single number is a length."""

    def at(*values: float) -> list[float]:
        if len(values) == 1:
            return [values[0] * factor]
        offsets = (left * OVERSAMPLE, top * OVERSAMPLE)
        return [value * factor + offsets[index % 2] for index, value in enumerate(values)]

    return at


def _draw_panels(pen: drawings.Pen, card: Card) -> None:
    page = _scale(0, 0, OVERSAMPLE)
    pen.rounded_rectangle(page(40, 96, 800, 676), page(28)[0], fill="white")
    pen.rounded_rectangle(page(60, 116, 780, 516), page(20)[0], fill=card.tint)
    pen.ellipse(page(245, 141, 595, 491), fill=drawings.CREAM)
    card.draw(pen, _scale(260, 156, OVERSAMPLE * 0.8))
    pen.rounded_rectangle(page(840, 96, 1240, 456), page(28)[0], fill="#cfd8f2")
    drawings.draw_host(pen, _scale(850, 104, OVERSAMPLE * 0.95))
    pen.rectangle(page(840, 456, 1240, 560), fill=PAPER)
    pen.rounded_rectangle(page(840, 470, 1240, 676), page(20)[0], fill="white")
    pen.rounded_rectangle(page(40, 26, 196, 74), page(24)[0], fill=RED)
    pen.ellipse(page(58, 42, 74, 58), fill="white")
