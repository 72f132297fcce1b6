"""How one stream is to be watched: the same fields in streams.yaml, in the API and in the database."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.records import Stream


class WatchConfig(BaseModel):
    """A stream, its source, and what to do when it ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200, description="直播名 / name of the stream")
    source: str = Field(min_length=1, max_length=4096, description="来源地址 / address of the source")
    shop: str = Field(default="", max_length=200, description="店铺 / shop")
    host: str = Field(default="", max_length=200, description="主播 / host")
    room: str = Field(default="", max_length=200, description="直播间 / room")
    title: str = Field(default="", max_length=500, description="标题 / title")
    product: str = Field(default="", max_length=200, description="商品类别 / product class")
    realtime: bool = Field(default=False, description="文件按原速播放 / play a file at its own pace")
    restart: Literal["on_failure", "always", "never"] = Field(
        default="on_failure", description="断流后是否重启 / whether to begin again when it ends"
    )

    def stream(self) -> Stream:
        """The stream as it is recorded."""
        return Stream(
            name=self.name,
            source=self.source,
            shop=self.shop,
            host=self.host,
            room=self.room,
            title=self.title,
            product=self.product,
        )
