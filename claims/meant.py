"""A finding of the meaning model: always for review, never of high severity, with the law of its class."""

from claims.meaning import Judgement, MeaningModel
from core.records import Category, Finding, LegalBasis, Severity, Verdict

PACK = "meaning"
ADVICE = "请人工核对原话：意思像是这一类宣称，但没有直接说出来。"
ADVICE_EN = "Check the words: they seem to mean a claim of this class without saying it."
_SCRAP = 6
_SENTENCE = 12
_LIKELY = 0.95
_UNDERSTOOD = 0.75
_AD28 = LegalBasis("广告法", "第二十八条", True)
_LAW = {
    Category.ABSOLUTE_TERM: ("疑似变相的绝对化用语", (LegalBasis("广告法", "第九条第三项", True),
                             LegalBasis("广告绝对化用语执法指南", "第二条", True))),
    Category.EFFICACY_EXAGGERATED: ("疑似变相夸大效果", (LegalBasis("广告法", "第二十八条第二款第四项", True),)),
    Category.MEDICAL_CLAIM: ("疑似变相宣称医疗作用", (LegalBasis("广告法", "第十七条", True),)),
    Category.HEALTH_FOOD_DISEASE: ("疑似食品变相宣称防病治病", (LegalBasis("食品安全法", "第七十三条", True),
                                   LegalBasis("广告法", "第十八条", True))),
    Category.COSMETIC_SPECIAL: ("疑似变相宣称特殊化妆品功效", (LegalBasis("化妆品监督管理条例", "第十六条", True),
                                LegalBasis("化妆品监督管理条例", "第四十三条", True))),
    Category.GUARANTEE_PROMISE: ("疑似变相保证效果或安全", (LegalBasis("广告法", "第二十八条第二款第二项", True),)),
    Category.PRICE_FRAUD: ("疑似变相虚假比价", (LegalBasis("明码标价和禁止价格欺诈规定", "第十九条", True),)),
    Category.FALSE_SCARCITY: ("疑似变相制造稀缺", (LegalBasis("直播电商监督管理办法", "第三十四条", True), _AD28)),
    Category.FAKE_ENDORSEMENT_OR_ORIGIN: ("疑似暗示虚假背书或来源", (_AD28, LegalBasis("广告法", "第九条", True))),
    Category.FINANCE_OR_RETURN_PROMISE: ("疑似变相承诺收益", (LegalBasis("广告法", "第二十五条", True),)),
    Category.OFF_PLATFORM_TRANSACTION: ("疑似引导站外交易", (LegalBasis("直播电商监督管理办法", "第十六条", True),)),
}  # fmt: skip


def meaning_rule_id(category: Category) -> str:
    """``MEAN-`` and the class, as a rule id."""
    return "MEAN-" + category.value.upper().replace("_", "-")


def least_probability(text: str, threshold: float, understood: float | None) -> float:
    """How likely a claim must be to be reported; more than 1 for what says nothing by itself.

    ``understood``: mean word probability of what was heard, none for what was written. A scrap that a window cut off
    says nothing; neither does what recognition itself hardly understood. Few heard words are often half a sentence,
    and the model learnt from whole ones.
    """
    length = sum(map(str.isalnum, text))
    if length < _SCRAP or (understood is not None and understood < _UNDERSTOOD):
        return 2.0
    return max(threshold, _LIKELY) if understood is not None and length < _SENTENCE else threshold


def meaning_finding(judgement: Judgement, text: str, start: int, end: int, model: MeaningModel) -> Finding:
    """The finding for the clause at ``[start, end)`` of ``text``."""
    title, basis = _LAW[judgement.category]
    return Finding(
        rule_id=meaning_rule_id(judgement.category),
        category=judgement.category,
        severity=Severity.LOW,
        verdict=Verdict.REVIEW,
        start=start,
        end=end,
        matched=text[start:end],
        canonical=text[start:end],
        method="meaning",
        score=round(judgement.probability, 3),
        title=title,
        legal_basis=basis,
        advice=ADVICE,
        advice_en=ADVICE_EN,
        pack=PACK,
        pack_version=model.version,
        pack_sha256=model.sha256,
    )
