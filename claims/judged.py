"""A stronger judge asked about open cases: statements of each class, and how far an utterance says them.

What the judge answers is mixed, as log-odds, with what the meaning model found; without a judge nothing changes.
"""

import math
from dataclasses import replace

from claims.meaning import Judgement
from core.records import Category
from models.judge import Judge

UNSURE = (0.15, 0.97)
"""Probabilities between which a judge is asked: outside of them it would hardly change what is reported."""
STATEMENTS = {
    Category.ABSOLUTE_TERM: "主播宣称这个商品是最好的、第一的或者没有对手。",
    Category.EFFICACY_EXAGGERATED: "主播宣称用了这个商品很快就有明显的效果。",
    Category.MEDICAL_CLAIM: "主播宣称这个商品能治病或者缓解病痛。",
    Category.HEALTH_FOOD_DISEASE: "主播宣称吃了这个食品能预防或者治疗疾病。",
    Category.COSMETIC_SPECIAL: "主播宣称这个化妆品能祛斑、美白、防脱发、生发或者防晒。",
    Category.GUARANTEE_PROMISE: "主播保证一定有效，或者保证绝对安全。",
    Category.PRICE_FRAUD: "主播宣称价格比别处都低，或者拿虚高的原价作比较。",
    Category.FALSE_SCARCITY: "主播用快没货了、以后再也没有了来催人下单。",
    Category.FAKE_ENDORSEMENT_OR_ORIGIN: "主播宣称有名人、专家、医生或者国家机关推荐这个商品。",
    Category.FINANCE_OR_RETURN_PROMISE: "主播承诺能赚钱、保本或者有固定收益。",
    Category.OFF_PLATFORM_TRANSACTION: "主播叫人离开平台，私下联系或者付款。",
}
_MOST = 12.0


def asked(judge: Judge, text: str, judgement: Judgement) -> Judgement:
    """The judgement after the judge was heard, where the case was open."""
    if not UNSURE[0] <= judgement.probability < UNSURE[1]:
        return judgement
    answers = judge.entailed(text, list(STATEMENTS.values()))
    best, category = max(zip(answers, STATEMENTS, strict=True))
    mixed = (_log_odds(judgement.probability) + _log_odds(best)) / 2
    return replace(
        judgement,
        probability=1 / (1 + math.exp(-mixed)),
        category=category if best >= 0.5 else judgement.category,
    )


def _log_odds(probability: float) -> float:
    bounded = min(1 - 1e-6, max(1e-6, probability))
    return max(-_MOST, min(_MOST, math.log(bounded / (1 - bounded))))
