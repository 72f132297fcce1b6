"""Who says it, and is it meant: denial, correction, warning about others, quoted law, question, condition.

Judged clause by clause around the words found. A host who denies and winks (你懂的) means it.
The words here are grammar, not law, so they live in code and not in a pack.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from claims.fold import CLAUSE, MARKS, QUESTION


def one_of(*ways: str, then: str = "") -> re.Pattern[str]:
    """An expression for any of several ways to say a thing, with what must follow each."""
    either = "|".join(ways)
    return re.compile(f"(?:{either}){then}" if then else either)


_WINK = one_of(
    r"你懂的?",
    r"懂的(?:都懂|自然懂|懂|来|直接)",
    r"懂得都懂",
    r"都懂(?:的|吧|哈)?(?=[，。？]|$)",
    r"自己(?:拼|品|悟|琢磨|脑补|体会|猜|去猜|领会|意会)",
    r"心照不宣",
    r"拼一拼",
    r"拼一下",
    r"不能说(?:太|得太|那么)",
    r"不(?:能|敢|让|好|方便)(?:我)?(?:说|念|讲)(?:太)?(?:细|透|明|破|白)",
    r"不让(?:我)?(?:说|念|讲|提)[^，。？]{0,6}[，]?(?:但|反正|效果|大家|你们)",
    r"(?:我)?可?没说(?:那个|这个)?[^，。？]{0,2}字",
    r"那(?:个|两个|俩|几个)字",
    r"(?:都)?明白(?:我)?(?:什么)?意思",
    r"看破不说破",
    r"说多了?(?:要|会|就)?(?:被)?封",
    r"嘘",
    r"不能(?:明|直)说",
    r"不(?:能|敢|让)(?:我)?说[^，。？]{0,4}[，](?:但|反正|可)",
)
# 懂的打在公屏上: a wink beside the denial; 想要的打在公屏上 asks who will buy.
_SCREEN = one_of(
    r"打在?公屏",
    r"(?:弹幕|公屏)(?:上)?(?:帮|替)我",
)
_ORDERS = re.compile(
    r"(?:想|要|喜欢|需要|有兴趣|感兴趣|没拍|拍了|拍到|新来|报名|有问题|想问|问)(?:的|问)|想要|扣|打(?:个|一|1)|尺码|身高|体重|数字"
)
# 我不骗你, 没问题, 不止: words of denial that deny nothing.
_ASSERTS = one_of(
    r"无理由",
    r"(?:我)?(?:可|从来?|绝)?(?:不|没)(?:会|有)?(?:骗|忽悠|坑|蒙|哄)(?:过)?(?:你们?|您|人|大家|家人们?|姐妹们?|宝宝们?|各位)?",
    r"(?:谁)?骗(?:你们?|你?人|大家|您)?(?:的(?:话)?)?(?:我)?(?:就)?(?:是|不是|当)(?:小狗|狗|人|孙子|王八)",
    r"(?:完全|肯定|绝对|一点|都)?没(?:有)?(?:任何|一点|半点)?(?:问题|毛病|得说|的说|话说|压力)",
    r"不是(?:我)?(?:在)?(?:吹牛?|夸张?|开玩笑|骗(?:你们?|人)?|忽悠|瞎说|说大话)",
    r"不(?:是)?(?:什么)?(?:问题|难事)(?=[，。？的]|$)",
    r"不(?:止|仅|只是?|光是?|但|单|管|论|夸张|吹牛?|愧|开玩笑|好意思|见不散|得了|错|得不说|瞒你们?|用(?:想|怀疑|犹豫|多说|说|担心|怕|问)|要(?:犹豫|错过|等|怀疑|担心|怕)|容错过|废话|啰嗦|多说)",
    r"别(?:再)?(?:犹豫|错过|墨迹|等|愣着|眨眼|怀疑|担心|走|急|划走)",
    r"没想到|想不到|要不是|差不多|了不起|忍不住|怪不得|对不起",
    r"谁(?:说|讲)(?:它|这|这个|我们)?(?:不能|不行|不可以|没用|没有效果?|没效果?|做不到)",
    r"小心(?:烫|滑|轻放|手|碰|台阶|别碰|地滑)",
    r"不[^，。？]{1,6}不(?:要|收)钱",
)
_BEFORE = one_of(
    r"(?<!能)不能",
    r"(?<!会)不会",
    r"(?<!是)不是",
    r"(?<!可)不可以",
    (
        r"不(?:敢|可能|做|讲|说|提|叫|算|支持|存在|主张|建议|提倡|推荐|具备|具有|含|带|走|得|许|准|"
        r"允许|代表|等于|意味|一定|见得|宣传|宣称|属于|该|卖|收|谈|喊|标|打着|搞|玩|鼓励|接受|方便|"
        r"追求|跟你[讲说]|去)"
    ),
    r"(?<!有)没有?(?:什么|这个|任何|那种|办法|说过?|讲过?|承诺|保证|用来|资格|能力)?",
    r"(?:并|绝)?非",
    r"无法",
    r"无(?=治疗)",
    r"别(?:信|吹|听|指望|问|说|当|想|再|去|给|相信|加|扫|刷|跟|把|喊|讲|点|乱|轻信|做|图|以为)",
    r"不要(?:信|听|指望|相信|把|当|跟|加|扫|轻信|去|以为|说|再|做|私|给|直接)",
    r"(?:从来|从)[没不]",
    r"禁止",
    r"严禁",
    r"拒绝",
    r"杜绝",
    r"谈不上",
    r"算不上",
    r"称不上",
    r"够不上",
    r"达不到",
    r"做不到",
    r"哪(?:里?有|里?能|里?来|里?敢)",
    r"谁敢",
    r"怎么(?:可能|敢|会)",
    r"甭",
    r"切勿",
    r"请勿",
    r"(?<!请)勿",
    r"少(?:信|听)",
    r"不应",
    r"不得",
    r"未(?:经|能|必|曾)",
    r"替代不了",
    r"代替不了",
    r"取代不了",
    r"不等于",
    r"打假",
    r"抵制",
    r"区别于",
    r"不同于",
    r"当不了",
    then=r"(?P<gap>[^，。？]{0,7})$",
)
_BARE_NOT = re.compile(r"(?<![差要得巴果])(?:不|并未|并没)$")
# 不祛斑不要钱 promises that it will.
_OR_FREE = re.compile(
    r"[^，。？]{0,2}，?(?:的话)?(?:我|我们|咱们?)?(?:就|都|直接|当场)?(?:不(?:要|收|用付)(?:你|您|一分)?钱|(?:全额|包|免费)?退(?:你|您|钱|款|全款)|免单|(?:包|十倍)?赔|来找我)"
)
_BEFORE_FAR = one_of(
    (
        r"不(?:能|敢|会|可能|可以)?(?:给你|跟你|向你|对大家|向大家)?(?:保证|承诺|担保|夸口|打包票|说|"
        r"讲|宣称|吹)"
    ),
    r"没(?:有)?(?:说过?|承诺|保证|讲过?|吹)",
    r"不是(?:说|指|所谓|那种|什么)",
    r"(?:不要|别|千万别)(?:听|信|相信|指望|轻信)",
    r"从来[没不]",
    r"哪(?:个|家|位)?(?:敢|能)说",
    r"谁(?:敢|能)?说",
    then=r"[^，。？]{0,20}$",
)
_NOT_DENIAL = re.compile(
    r"就|却|而是|都能|也能|还能|照样|反而|直接|立马|马上|一样|^(?:我)?(?:吹|骗|忽悠|夸张|开玩笑|瞎说)|^(?:犹豫|错过|墨迹|等)|不(?:好|过|到|完)|^知道|^想到|^人|^谁"
)
_ASSERTING_NEGATION = re.compile(
    r"^(?:不(?:会|可能|怕|用|能)?(?:再有|反弹|复发|过敏|后悔|失望|亏|有副|掉色|错过|伤)|没有?(?:任何)?(?:副作用|之一|风险|对手|第二|人|激素))"
)
_AFTER = one_of(
    r"^没有(?:的|哈|哦|啊|这|$)",
    (
        r"^[^，。？]{0,8}?(?:(?:都|可|也|我们|我|咱们?|咱家|绝对|肯定|真的?|是)?(?:不敢|不能(?!错过|"
        r"停|少)|不会(?!再|反弹|复发|过敏|后悔|失望|亏|有|让|掉|伤)|做不到|不行|不存在|不可能|"
        r"(?<!从)不讲|不知道|不清楚|不说(?!了|别的)|不提(?!供)|不承诺|不保证|不支持|(?:都|也|可|"
        r"这(?:个|种|俩|两个)?(?:功效|功能|作用|说法|效果)|我们?(?:家|店|这|这里|直播间)?|店里|本店|"
        r"根本|真的?|并)没有(?!副|之|第二|任何|人|风险|对手|比|激素|添加)|没这个|不是(?!吹|骗|盖|虚|问题|难|事|开玩笑|夸)|"
        r"不卖|(?<!再也)不做(?!广告)|不搞|不收|不走|不接|不需要|谈不上|不代表|不等于|违规|违法|不合规|"
        r"要罚|会被罚|被罚)|(?:都是|全是|是|那是|就是)?(?:骗|假的|虚的|吹牛|吹的|瞎|胡|扯|忽悠|套路|"
        r"智商税|噱头|夸张|谣言|神仙|神话|做梦|童话|滤镜)|别(?:信|当真|听|买|碰|加|扫|给|问)|"
        r"不要(?:信|碰|加)|不(?:能|可)信|不靠谱|听听就|想都别想|谁信|没戏|不现实|纯属|风险自|后果自|"
        r"出了?(?:问题|事)|被骗|没保障|不受保护|平台不管|小心|要当心|封号)"
    ),
)
_DENIAL_NEXT = re.compile(
    r"^(?:啊|呀|那|这|它|我们?|咱们?|都|可|也|真|的|就|其实|但|但是|亲|宝|答案是|抱歉|对不起|告诉你|明确|我跟你说|先说|实话说)*"
    r"(?:不能|不是|不敢|不会(?!反弹|复发|过敏|后悔)|不可以|不行|不可能|不存在|不具备|没有(?!副|之一|任何|人|第二|激素)|没这|不讲|不承诺|别(?:信|问|听|扫|当真)|不要(?:信|听)|做不到|谁信|哪有|谈不上"
    r"|(?:都?是|全是|就是|那是)?(?:骗|假的|虚的|吹牛|吹的|瞎|胡说|忽悠|套路|智商税|谣言)|听听就|小心|违规|违法)"
)
_ASKS = re.compile(
    r"能不能|可不可以|有没有|是不是|会不会|行不行|能否|是否|问[^，。？]{0,10}|吗(?=$)|么(?=$)|有人说|有(?:人|宝|姐妹|家人)(?:问|说|讲)|评论区|公屏|弹幕"
)
_YES = re.compile(r"^(?:啊|那|这)*(?:能(?!不能)|可以|有的?(?=$)|是的|对|会的|必须|当然|没错|肯定|绝对|包的|妥妥)")
_OTHERS = one_of(
    r"别的",
    r"别人",
    r"别家",
    r"其他",
    r"其它",
    r"有些",
    r"有的",
    r"某些",
    r"个别",
    r"市面上",
    r"外面",
    r"外头",
    r"那些",
    r"那种",
    r"这种",
    r"隔壁",
    r"网上",
    r"人家",
    r"谁",
    r"哪个",
    r"凡是",
    r"但凡",
    r"所有",
    r"他们",
    r"碰到",
    r"遇到",
    r"看到",
    r"听到",
    r"要是有人",
    r"如果有人",
    r"有人",
    r"骗子",
    r"无良",
    r"黑心",
    r"听见",
    r"看见",
    r"自称",
    r"号称",
    r"张口",
    r"开口",
    r"(?:说|吹)(?:自己|他|她)",
    r"[他她](?:家|们)?",
    then=r"[^，。？]{0,10}(?:说|讲|喊|吹|念|印|贴|跟我|就是|就带|宣传|承诺|跟你|告诉|敢|标|打着|号称|让你|叫你|保证|写|要你|推|卖|加你|拉你|找你|打)",
)
_SCORN = one_of(
    r"(?<!不)(?<!没)(?<!不是)(?<!没有)骗(?!你我|你是|你赔|你的话|人我|你们我|你全家|你就)",
    r"是假的?",
    r"虚的",
    r"(?:别|不要|不能|千万别|少|不可|不)(?:轻)?(?:信|听|相信|当真)",
    r"套路(?!深)",
    r"智商税",
    r"(?<!不是)忽悠",
    r"(?<!不)(?<!不是)吹牛",
    r"(?<!不是)吹的",
    r"瞎说",
    r"胡说",
    r"扯淡",
    r"鬼扯",
    r"违法",
    r"违规",
    r"小心(?!烫|滑|轻放|手|碰|台阶|别碰|地滑)",
    r"警惕",
    r"当心",
    r"举报",
    r"离(?:他|它|这种|这些)?(?:们)?远",
    r"断章取义",
    r"害人",
    r"传销",
    r"诈骗",
    r"剧本",
    r"编的",
    r"演的",
    r"作废",
    r"取缔",
    r"冒充",
    r"想多了",
    r"下架了",
    r"是坑",
    r"(?<!不)坑你",
    r"不靠谱",
    r"听听就",
    r"谣言",
    r"赶紧跑",
    r"快跑",
    r"绕道",
    r"绕着走",
    r"拉黑",
    r"划走",
    r"远离",
    r"避雷",
    r"打假",
    r"谁信",
    r"投诉",
    r"取关",
    r"(?:赶紧|马上|立刻|直接|扭头|转身)(?:就)?(?:走|跑|关掉|划走)(?=$|[，。？])",
    r"信不得",
    r"做梦",
    r"太离谱|离谱得",
    r"曝光",
    r"召回",
    r"(?:划|删|抠|撕|去|涂|擦|换)掉(?:了)?(?=$|[，。？])",
    r"拉倒",
    r"唬人|哄人|蒙人|糊弄|缺德",
    r"没(?:有)?(?:那|这)(?:回|码|么回|么多)(?:事|戏)?",
    r"鬼(?:才|都不)信",
    r"站不住脚",
    r"出了?问题",
    r"没保障",
    r"平台不管",
    r"报警",
)
_CORRECTED = one_of(
    r"口误",
    r"说错",
    r"讲错",
    r"更正",
    r"纠正",
    r"收回(?:刚才|刚刚|这|那|前面)",
    r"嘴瓢",
    r"嘴快",
    r"嘴滑",
    r"撤回",
    r"说岔",
    r"说秃噜",
    r"(?:刚才|刚刚|前面)(?:那句|说的|讲的|那个)[^，。？]{0,14}(?:不对|不算|作废|不准确|不严谨)",
    r"不准确",
    r"向大家道歉",
)
_LAW = re.compile(
    r"(?:广告法|平台(?:的)?(?:规则|规定|要求|禁止|明令|不让|不允许)|法律|法规|条例|(?<!国家)规定|监管|市场监管局?|工商|违禁词|极限词|敏感词|禁用词|违规词|合规|审核|红线|处罚|被罚)"
)
_FORBIDS = re.compile(
    r"不能|不让|不许|禁止|不得|不允许|不可以|违规|违法|要罚|会罚|被罚|罚款|不准|禁用|少说|不要说|属于|算是?|封号|扣分|要求"
)
_DOUBT = re.compile(
    "[不没别非勿莫未无禁罚违骗假谁吗呢编演错误谣虚删撤诈坑？]|吹牛|笑|滤镜|修图|段子|听说|口误|以前|道歉|扯|哪有|何"
)
# 老板让我说 X，我没敢: told to say it, and did not.
_TOLD = re.compile(
    r"(?:让|叫|要|逼|求|催)(?:我|我们|咱|主播)(?:们)?(?:去|这么|必须|也)?(?:说|讲|念|喊|写|吹|挂|打)[^，。？]{0,6}$"
)
_REFUSED = re.compile(
    r"没敢|不敢|没说|没讲|没念|没喊|没写|没挂|不干|不肯|不念|不说|不喊|不同意|没答应|不答应|拒绝|拒了|回绝|不行|辞|怼|没听"
)
# 那叫 X, X 四个字 …: the words are mentioned, not used.
_AS_WORDS = re.compile(
    r"^(?:这|那)?(?:几|两|俩|三|四|五|一)个?(?:个)?(?:字|词)[^，。？]{0,8}(?:不能|不念|不说|不写|不印|不许|不让|没|删|抠|划|撕|去掉|盖|打码|罚|别|绕|糊|禁|违|误|错|撤)"
)
_MENTION = re.compile(
    r"^(?:这|那)(?:种|几个|两个|三个|四个|俩|些|句|样的|样|个)?(?:话|字|词|说法|讲法|宣传|承诺|视频|文章|海报)"
)
# 不敢说 as recognition writes it: the denial must not be lost with the syllable.
_NOT_DARING = re.compile(r"不[改感赶干甘杆](?=说|讲|保证|承诺|打包票|夸)")
_IF = re.compile(r"(?:要是|如果|假如|假设|若是?|倘若|真)[^，。？]{0,5}(?:能|可以|有|是|敢|会|说)?[^，。？]{0,8}$")
_IF_NEXT = re.compile(
    r"^(?:那(?!就)|还|早|谁|哪|我早|我还|人家|医院|医生|岂不|诺贝尔|我就是骗|就是骗|直接举报|你就举报|举报|肯定是骗)"
)


_NEAR = 30
"""Characters within which a correction is about the words found."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Whether the words are meant as a claim, and if not, why."""

    meant: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A match's own clause before and after it, and the neighbouring clauses."""

    before: str
    after: str
    previous: str
    following: tuple[str, ...]
    asked: bool


def surroundings(text: str, start: int, end: int) -> Surroundings:
    """Cut folded ``text`` around ``[start, end)``: one clause before, up to three after."""
    left = max(text.rfind(mark, 0, start) for mark in MARKS) + 1
    stops = [at for mark in MARKS if (at := text.find(mark, end)) >= 0]
    right = min(stops, default=len(text))
    previous_left = max((text.rfind(mark, 0, max(left - 1, 0)) for mark in MARKS), default=-1) + 1
    previous = text[previous_left : max(left - 1, 0)]
    following = re.split(f"[{MARKS}]", text[right + 1 : right + 90])[:3]
    asked = text[right : right + 1] == QUESTION
    return Surroundings(text[left:start], text[end:right], previous, tuple(following), asked)


def winks(text: str) -> bool:
    """Whether the speaker hints that the denied words are meant."""
    return _WINK.search(text) is not None


def doubtful(text: str) -> bool:
    """Whether folded ``text`` has any sign that somebody denies, doubts or asks, wherever it stands."""
    return _DOUBT.search(asserted(as_said(text))) is not None


def asserted(text: str) -> str:
    """Folded ``text`` without the negations that assert: 我不骗你, 没问题, 不止, 别犹豫."""
    return _ASSERTS.sub("", text)


def as_said(text: str) -> str:
    """Folded ``text`` with 不敢说 put right where recognition wrote it otherwise; of the same length."""
    return _NOT_DARING.sub("不敢", text)


def tone(text: str) -> tuple[bool, ...]:
    """Signs of voice anywhere in folded ``text``: wink, correction, law, ban, others, scorn, question, denial."""
    signs = (_CORRECTED, _LAW, _FORBIDS, _OTHERS, _SCORN, _ASKS, _BEFORE_FAR)
    return winks(text) or _SCREEN.search(text) is not None, *(sign.search(text) is not None for sign in signs)


def voice(text: str, start: int, end: int) -> Voice:
    """How the words at ``[start, end)`` of folded ``text`` are meant."""
    text = as_said(text)
    around = surroundings(text, start, end)
    words = text[start:end]
    if winks(text) or _typed(around, words):
        return Voice(True)
    reasons: dict[str, Callable[[], bool]] = {
        "corrected": lambda: _corrected(text, start, end),
        "question": lambda: _answered_no(around, words),
        "denied": lambda: _denied_before(around) or _denied_after(around),
        "warning": lambda: _warned(around, words),
        "quoted": lambda: _quoted(around) or _mentioned(around),
        "conditional": lambda: _conditional(around),
        "refused": lambda: _refused(around),
    }
    reason = next((name for name, holds in reasons.items() if holds()), "")
    return Voice(not reason, reason)


def _typed(around: Surroundings, words: str) -> bool:
    """Whether the audience is to type the words (打在公屏上) in the clause found or beside it, and not an order."""
    parts = (around.previous, around.before + words + around.after, *around.following[:1])
    return any(_SCREEN.search(part) and not _ORDERS.search(part) for part in parts)


def _corrected(text: str, start: int, end: int) -> bool:
    """Whether the words are corrected not far from them: what else was put right says nothing of them."""
    return _CORRECTED.search(text, max(0, start - _NEAR), end + _NEAR) is not None


def _conditional(around: Surroundings) -> bool:
    following = around.following[0] if around.following else ""
    return _IF.search(around.before) is not None and _IF_NEXT.search(following) is not None


def _refused(around: Surroundings) -> bool:
    """Whether somebody wanted the host to say the words, and the host would not."""
    if _AS_WORDS.search(around.after):
        return True
    return _TOLD.search(around.before) is not None and any(
        _REFUSED.search(part) for part in (around.after, *around.following[:2])
    )


def _denied_before(around: Surroundings) -> bool:
    if _BARE_NOT.search(around.before):
        return not _OR_FREE.match(CLAUSE.join((around.after, *around.following[:1])))
    match = _BEFORE.search(around.before)
    if match and not _NOT_DENIAL.search(match.group("gap")):
        return True
    far = _BEFORE_FAR.search(around.before)
    return far is not None and not re.search("但|却|可是|反正", far.group())


def _denied_after(around: Surroundings) -> bool:
    if _AFTER.search(around.after) and not _ASSERTING_NEGATION.search(around.after):
        return True
    if around.after:
        return False
    following = around.following[0] if around.following else ""
    return (
        re.match(
            r"(?:这(?:种|些|个)?(?:话|效果|功效|词|字|宣传)?|那(?:种|个|都)?(?:话|是)?)?(?:我们?|咱们?)?(?:都|可|也)?(?:不敢|不能|做不到|没有这|不存在|不可能|骗|假的|吹牛|是骗|是假|是吹|都是骗|都是假|都是吹|是不可能|是做不到|别信|不要信|不能信|想都别想|谁信|听听就)",
            following,
        )
        is not None
    )


def _answered_no(around: Surroundings, words: str) -> bool:
    own = around.before + words + around.after
    asked = around.asked or _ASKS.search(own) is not None or _ASKS.search(around.previous) is not None
    if not asked:
        return False
    answer = [part for part in around.following if part]
    if answer and _YES.search(answer[0]):
        return False
    if any(_DENIAL_NEXT.search(part) for part in answer[:2]):
        return True
    return re.search(
        r"(?:有人|宝宝|姐妹|家人|姐姐|公屏|弹幕|评论)[^，。？]{0,6}(?:问|说)", around.previous + own
    ) is not None and (around.asked or re.search(r"(?:吗|么|没有|不)$|能不能|有没有|是不是|可不可以", own) is not None)


def _warned(around: Surroundings, words: str) -> bool:
    tail = around.after + CLAUSE + CLAUSE.join(around.following[:2])
    lead = around.previous + CLAUSE + around.before
    if _SCORN.search(tail) and (_OTHERS.search(lead + words) or _SCORN.search(around.after)):
        return True
    return _SCORN.search(lead) is not None and (
        _OTHERS.search(lead) is not None or _SCORN.search(around.before) is not None
    )


def _mentioned(around: Surroundings) -> bool:
    """Whether the words are only spoken about (``… 这种话``) and something in the same breath speaks against them."""
    return _MENTION.search(around.after) is not None and doubtful(around.after + CLAUSE.join(around.following[:2]))


def _quoted(around: Surroundings) -> bool:
    own = around.previous + CLAUSE + around.before + CLAUSE + around.after + CLAUSE + "".join(around.following[:1])
    return _LAW.search(own) is not None and _FORBIDS.search(own) is not None
