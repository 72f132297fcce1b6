"""The standing words of reports, in Chinese and English."""

from evidence.document import Language

Words = dict[str, str]

TITLES: dict[str, Words] = {
    "clip": {"zh": "直播证据报告", "en": "Evidence from a livestream"},
    "masked": {"zh": "直播证据报告（遮蔽版）", "en": "Evidence from a livestream (masked edition)"},
    "negative": {"zh": "检索未果报告", "en": "A search that found nothing"},
}
WORDS: dict[Language, Words] = {
    "zh": {
        "what": "所取片段",
        "stream": "直播",
        "shop": "店铺",
        "host": "主播（录制方填写）",
        "source": "来源",
        "time": "直播内时间",
        "wall": "录制机时钟",
        "received": "由他处接收，录制时间未知；时钟时间为接收时间，非播出时间",
        "clip": "片段文件",
        "copy": "原样复制，自关键帧起",
        "exact": "重新编码，仅供观看；证据是 segments/ 中的原始分段",
        "masked": "遮蔽后重新编码；原始分段不在本包",
        "said": "说了什么",
        "words": "话语（机器识别）",
        "nothing": "这一段没有识别出的话语。",
        "findings": "疑似违规之处",
        "none": "这一段没有告警。",
        "law": "法律依据",
        "advice": "提示",
        "rule": "规则",
        "score": "得分",
        "status": "状态",
        "picture": "话语中段的画面",
        "timeline": "时间线",
        "kind": "类别",
        "text": "内容",
        "product": "上架",
        "price": "价格",
        "comment": "弹幕评论",
        "note": "备注",
        "files": "自他处接收的文件",
        "file": "文件",
        "taken": "接收时间",
        "giver": "提供者",
        "recording": "录像原件（只记哈希）",
        "transcript": "字幕",
        "chat": "弹幕",
        "screenshot": "截图",
        "order": "订单截图",
        "metadata": "元数据",
        "other": "其他",
        "masks": "遮蔽了什么",
        "check": "如何核验",
        "limits": "本证据包不能证明什么",
        "log": "证据日志",
        "segments": "原始分段",
        "beijing": "北京时间",
    },
    "en": {
        "what": "What was taken",
        "stream": "Stream",
        "shop": "Shop",
        "host": "Host (as the recorder names them)",
        "source": "Source",
        "time": "Time in the stream",
        "wall": "Recorder's clock",
        "received": "received from elsewhere: when it was made is not known, and clock times are those of its receipt",
        "clip": "Clip",
        "copy": "copied unchanged, from a key frame",
        "exact": "encoded anew, for viewing only; the evidence is the original segments in segments/",
        "masked": "masked and encoded anew; the original segments are not in this package",
        "said": "What was said",
        "words": "Words (recognised by a machine)",
        "nothing": "No speech was recognised in this stretch.",
        "findings": "What may be unlawful",
        "none": "There is no alert in this stretch.",
        "law": "Legal basis",
        "advice": "Advice",
        "rule": "Rule",
        "score": "score",
        "status": "status",
        "picture": "The picture in the middle of the words",
        "timeline": "Timeline",
        "kind": "Kind",
        "text": "Content",
        "product": "on the shelf",
        "price": "price",
        "comment": "bullet comment",
        "note": "note",
        "files": "Files received from elsewhere",
        "file": "File",
        "taken": "Received",
        "giver": "from",
        "recording": "original recording (hash only)",
        "transcript": "transcript",
        "chat": "chat",
        "screenshot": "screenshot",
        "order": "order shot",
        "metadata": "metadata",
        "other": "other",
        "masks": "What was masked",
        "check": "How to check",
        "limits": "What this package does not prove",
        "log": "Segment log",
        "segments": "Original segments",
        "beijing": "Beijing time",
    },
}
# Text between backquotes is code.
CHECK: dict[Language, tuple[str, ...]] = {
    "zh": (
        "从录制方的公开渠道（不是从本包）取得公钥文件；盖有时间戳的，再从时间戳机构取得其 CA 证书。",
        "运行 `livewitness verify 包.zip --public-key 公钥.pem --tsa-ca CA.pem`。",
        "或解压后运行 `bash verify.sh 公钥.pem CA.pem`：只需 bash、openssl、coreutils，不联网；请先读一遍脚本，"
        "并与项目公布的脚本对照。",
    ),
    "en": (
        "Get the public key from where the recorder publishes it, not from this package; where there are time-stamps, "
        "get the CA certificate from the authority.",
        "Run `livewitness verify PACKAGE.zip --public-key KEY.pem --tsa-ca CA.pem`.",
        "Or unpack and run `bash verify.sh KEY.pem CA.pem`: bash, openssl and coreutils are enough, no network; read "
        "the script first and compare it with the one the project publishes.",
    ),
}
BY_HAND: dict[Language, str] = {
    "zh": "手工核对一个分段：`sha256sum segments/…`，与 log/leaves.jsonl 中该分段的 sha256 比较。",
    "en": "One segment by hand: `sha256sum segments/…`, compared with its sha256 in log/leaves.jsonl.",
}
BOUND: dict[Language, str] = {
    "zh": "与未遮蔽版对照：`livewitness verify 遮蔽版.zip 未遮蔽版.zip …`；手工：未遮蔽版中"
    "`cat blinding.txt 文件 | sha256sum` 等于本包 masking/bindings.txt 中该文件的承诺值。",
    "en": "Against the unmasked edition: `livewitness verify MASKED.zip UNMASKED.zip …`; by hand, in the unmasked one: "
    "`cat blinding.txt FILE | sha256sum` gives the commitment to that file in masking/bindings.txt of this one.",
}
LIMITS: dict[Language, tuple[str, ...]] = {
    "zh": (
        "文字由机器识别，会有错字；以原始音视频为准。谁在说话，机器没有辨认。",
        "告警是供人查看的线索，不是违法认定。",
        "证明的是：这些分段自固定之时起未被改动。来源服务器送来的内容本身是否真实、画面中是何人，不在证明之内。",
        "一段之内连续；片段之外发生了什么（包括主播事后的更正）请看完整录像。",
        "持有签名私钥的录制方可以不录、少录；能发现的是固定之后的改动、遗漏与补造，不是固定之前的取舍。",
        "公钥与时间戳 CA 的真实性取决于取得它们的渠道。",
    ),
    "en": (
        "The text was recognised by a machine and has errors; the original sound and picture decide. Who speaks was "
        "not recognised.",
        "An alert is a lead for a person, not a finding of law.",
        "Proved is that these segments were not changed since they were fixed. Whether what the server sent was "
        "genuine, and who is in the picture, is not.",
        "The stretch is without a break; for what happened outside it (a later correction, too) see the whole "
        "recording.",
        "A recorder who holds the signing key can choose not to record. What shows is change, omission and invention "
        "after the segments were fixed, not choice before.",
        "Public key and CA are as genuine as the way by which you got them.",
    ),
}
MASKED_LIMIT: dict[Language, str] = {
    "zh": "遮蔽版的画面、声音和文字只凭签发者的签名与原件相符；取得未遮蔽版后，任何人可以核对它正是这里绑定的原件。"
    "自动遮脸、遮号码会有遗漏，交付前须由人看过听过。",
    "en": "That picture, sound and text of the masked edition are those of the originals rests on the issuer's "
    "signature; whoever gets the unmasked edition can check that it is the very one bound here. Faces and numbers are "
    "found by a machine that misses some: a person has to look and listen before this is handed out.",
}
NO_STAMP: dict[Language, str] = {
    "zh": "没有时间戳机构的令牌：时间只凭录制机自己的时钟。",
    "en": "There is no token of a time-stamping authority: time rests on the recorder's own clock.",
}
LATE: dict[Language, str] = {
    "zh": "有 {} 个分段不是在录制当时，而是在中断恢复后才写入日志（late）。",
    "en": "{} segments were written to the log after a restart, not when they were recorded (late).",
}
RECEIVED: dict[Language, str] = {
    "zh": "本段录像或附件由他处接收：证明的是自接收之时起未被改动，不证明它何时、由何人、如何制作，"
    "也不证明接收前未被改动。",
    "en": "Recording or files here were received from elsewhere: proved is that they were not changed since their "
    "receipt, not when, by whom or how they were made, nor that they were not changed before.",
}
