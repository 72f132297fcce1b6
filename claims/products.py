"""What is being sold, as the scope of rules names it."""

KINDS = (
    "cosmetics",
    "food",
    "health_food",
    "medical",
    "apparel",
    "digital",
    "jewellery",
    "home",
    "finance",
    "training",
    "other",
)
_WORDS = {
    "health_food": ("保健", "蓝帽", "维生素", "益生菌", "氨糖", "鱼油", "膏方", "胶囊"),
    "cosmetics": ("霜", "精华", "面膜", "护肤", "彩妆", "口红", "粉底", "洗发", "沐浴", "乳液", "化妆", "美妆",
                  "防晒", "洁面", "香水"),
    "medical": ("医疗", "器械", "药", "血压计", "体温计", "助听", "理疗"),
    "finance": ("理财", "基金", "保险", "投资", "加盟", "贷款"),
    "training": ("课", "培训", "教育", "训练营"),
    "jewellery": ("珠宝", "翡翠", "玉", "黄金", "首饰", "项链", "戒指", "手镯", "钻", "银饰", "文玩", "琥珀", "蜜蜡"),
    "apparel": ("衣", "裤", "裙", "鞋", "服", "帽", "袜", "包包", "手提包", "围巾", "内衣"),
    "digital": ("手机", "电脑", "耳机", "数码", "家电", "充电", "音响", "手表", "平板", "相机"),
    "home": ("家居", "枕", "被", "锅", "床", "拖把", "收纳", "毛巾", "家纺", "清洁"),
    "food": ("食品", "茶", "酒", "果", "肉", "米", "零食", "奶", "油", "蛋", "面", "蜂蜜", "饮料", "海鲜", "蛋白粉"),
}  # fmt: skip


def product_kind(product: str) -> str:
    """The kind of a product given as a kind, in Chinese words, or as both; ``""`` when it cannot be told.

    >>> product_kind("cosmetics"), product_kind("补水面膜"), product_kind("food 面膜形饼干"), product_kind("？")
    ('cosmetics', 'cosmetics', 'food', '')
    """
    name = product.strip().lower()
    first = name.partition(" ")[0]
    if first in KINDS:
        return first
    for kind, words in _WORDS.items():
        if any(word in name for word in words):
            return kind
    return ""
