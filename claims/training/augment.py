"""More of the same: sentences out of a slot grammar, and noise as recognition and hosts make it.

Everything is drawn from one seeded generator, so that the same files give the same training set.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from claims.fold import CLAUSE, SENTENCE
from claims.training.sentences import GRAMMAR, PRODUCTS, Sentence, unmarked
from claims.words import dictionary
from core.pinyin import merged, readings
from core.text import is_han

TEMPLATES = Path(__file__).parent / "grammar.txt"
PER_TEMPLATE = 10
_SLOT = re.compile(r"\{([a-z]+)\}")
_OPENERS = (
    "家人们，", "姐妹们听好了，", "我跟你们讲，", "来来来，", "宝子们，", "真的，", "你们看，", "不夸张地说，",
    "老铁们，", "说实话，", "我再说一遍，", "新进来的朋友，", "听我讲，", "注意了，", "给你们透个底，",
    "然后呢，", "所以说，",
)  # fmt: skip
_CLOSERS = (
    "，对不对", "，你们说呢", "，链接在下面", "，想要的扣一", "，我先喝口水", "，拍的时候备注一下", "，真的哈",
    "，好吧", "，就这样", "，一号链接", "，听懂了吗", "，给你们看一下",
)  # fmt: skip
_TALK = (
    "先看一下尺码表", "左下角有讲解", "这个袋子可以反复封口",
    "我喝口水", "灯光师把灯往左边一点", "刚进来的先点个关注",
    "我们是自己的厂", "今天外面下雨", "快递发的是中通", "颜色有米白和浅灰", "后台小妹帮我看一下", "这个盖子是拧的",
    "背面有成分表自己看", "大家晚饭吃了没有", "昨天那批已经发走了", "我给你们转过去看看背面", "地址别填错",
    "两个规格都在一号链接", "助理把样品拿过来", "吊牌上写的是聚酯纤维", "这款我自己家里也有", "别刷屏我一个个回",
    "身高体重打在屏幕上", "买之前先问客服有没有现货", "这个味道是柠檬的", "保质期印在瓶底", "退换都有运费险",
    "我嗓子有点哑", "孩子在后面写作业", "下一个讲那个灰色的",
    "包装盒会有一点压痕", "三号链接是小瓶的", "洗的时候翻面洗",
    "咱们慢慢讲不着急", "有老顾客在吗", "上个月我们去了一趟仓库", "喜欢哪个颜色跟我说", "这个重量是两斤二两",
)  # fmt: skip
_ASIDES = (
    "医生的话还是要听", "隔壁那种夸大的我不学", "上一款不是我家的不评价",
    "这个不能当药吃", "那个赠品没有了", "我不懂理财",
    "别家怎么说我不管", "颜色不对可以退", "有人问能不能开发票",
    "这个不防水", "没收到货的联系客服", "这个牌子我不认识",
)  # fmt: skip
_PARTICLES = ("嘞", "噻", "呗", "哈", "啊", "呀", "哦", "嘛", "咧", "啦")
_MOST_SAME = 14
_COMMON = 300


def from_grammar(rng: np.random.Generator, path: Path = TEMPLATES) -> list[Sentence]:
    """`PER_TEMPLATE` sentences of every template."""
    slots: dict[str, list[str]] = {}
    found: list[Sentence] = []
    label = variant = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("="):
            _, name, values = line.split(maxsplit=2)
            slots[name] = values.split("|")
        elif line.startswith("@"):
            _, label, variant = line.split()
        elif line.strip():
            product, _, template = line.partition(" ")
            for _ in range(PER_TEMPLATE):
                text, spans = unmarked(_SLOT.sub(lambda m: str(rng.choice(slots[m.group(1)])), template))
                found.append(Sentence(text, label, variant, PRODUCTS[product], spans, False, GRAMMAR))
    return found


def variants(sentence: Sentence, rng: np.random.Generator) -> Iterator[Sentence]:
    """The sentence as other hosts and the recogniser would give it: mostly misheard, sometimes with other noise."""
    noisy = misheard(chatter(sentence, rng) if rng.random() < 0.3 else sentence, rng)
    if rng.random() < 0.3:
        yield chatter(sentence, rng)
    if rng.random() < 0.1:
        yield drawled(sentence, rng)
    if rng.random() < 0.2:
        yield amid(sentence, rng)
    if rng.random() < 0.1 and CLAUSE in sentence.text:
        yield parted(sentence, rng)
    if rng.random() < 0.6:
        yield noisy


def chatter(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """With an opener, a closer, or both, as lawful and unlawful sentences have them alike."""
    opener = str(rng.choice(_OPENERS)) if rng.random() < 0.6 else ""
    closer = str(rng.choice(_CLOSERS)) if rng.random() < 0.4 else ""
    spans = tuple((a + len(opener), b + len(opener)) for a, b in sentence.spans)
    return replace(sentence, text=opener + sentence.text + closer, spans=spans)


def amid(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """Among other sentences, as recognition cuts speech: ordinary talk, and at times a denial of something else."""
    before = [_said(rng) for _ in range(int(rng.integers(0, 3)))]
    after = [_said(rng) for _ in range(int(rng.integers(0 if before else 1, 3)))]
    opener = "".join(f"{some}{_mark(rng)}" for some in before)
    closer = "".join(f"{_mark(rng)}{some}" for some in after)
    spans = tuple((a + len(opener), b + len(opener)) for a, b in sentence.spans)
    return replace(sentence, text=opener + sentence.text.rstrip("。，") + closer, spans=spans)


def _said(rng: np.random.Generator) -> str:
    return str(rng.choice(_TALK if rng.random() < 0.8 else _ASIDES))


def _mark(rng: np.random.Generator) -> str:
    return SENTENCE if rng.random() < 0.7 else CLAUSE


def parted(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """With full stops in place of some commas: recognition sets the one or the other."""
    chars = [SENTENCE if char == CLAUSE and rng.random() < 0.6 else char for char in sentence.text]
    return replace(sentence, text="".join(chars))


def drawled(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """With a dialect particle at its end."""
    return replace(sentence, text=sentence.text + str(rng.choice(_PARTICLES)))


def misheard(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """With some characters as others that sound alike; in the claim for unlawful ones, anywhere for lawful ones."""
    places = [i for a, b in sentence.spans for i in range(a, b)] or list(range(len(sentence.text)))
    places = [i for i in places if is_han(sentence.text[i])]
    if not places:
        return sentence
    chars = list(sentence.text)
    for place in rng.choice(places, size=min(len(places), int(rng.integers(1, 4))), replace=False):
        chars[place] = _alike(chars[place], rng)
    return replace(sentence, text="".join(chars))


def _alike(char: str, rng: np.random.Generator) -> str:
    sounds = readings(char)
    if not sounds:
        return char
    exact, near = _by_sound()
    pool = exact[sounds[0]] if rng.random() < 0.75 else near[merged(sounds[0])]
    others = [other for other in pool if other != char]
    return str(rng.choice(others)) if others else char


@lru_cache(maxsize=1)
def _by_sound() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Common characters by toneless syllable and by merged syllable, the commonest first."""
    counted = dictionary()
    known = (w for w in counted if len(w) == 1 and is_han(w) and counted[w] >= _COMMON)
    common = sorted(known, key=counted.__getitem__, reverse=True)
    tables = []
    keys: tuple[Callable[[str], str], ...] = (str, merged)
    for key in keys:
        table: dict[str, list[str]] = defaultdict(list)
        for char in common:
            for sound in readings(char)[:1]:
                if len(table[key(sound)]) < _MOST_SAME:
                    table[key(sound)].append(char)
        tables.append(table)
    return tables[0], tables[1]
