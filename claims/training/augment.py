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
    """The sentence as other hosts and the recogniser would give it: always misheard, sometimes with other noise."""
    yield misheard(chatter(sentence, rng) if rng.random() < 0.3 else sentence, rng)
    if rng.random() < 0.3:
        yield chatter(sentence, rng)
    if rng.random() < 0.1:
        yield drawled(sentence, rng)


def chatter(sentence: Sentence, rng: np.random.Generator) -> Sentence:
    """With an opener, a closer, or both, as lawful and unlawful sentences have them alike."""
    opener = str(rng.choice(_OPENERS)) if rng.random() < 0.6 else ""
    closer = str(rng.choice(_CLOSERS)) if rng.random() < 0.4 else ""
    spans = tuple((a + len(opener), b + len(opener)) for a, b in sentence.spans)
    return replace(sentence, text=opener + sentence.text + closer, spans=spans)


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
