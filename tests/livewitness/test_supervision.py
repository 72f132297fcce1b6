"""Who named a source decides where it may be."""

from core.egress import Egress
from core.settings import Settings
from core.watch_config import WatchConfig
from livewitness.supervision import guard_for

CAMERA = WatchConfig(name="camera", source="rtsp://10.0.0.5/live")


def test_only_what_the_operator_wrote_down_may_be_internal() -> None:
    settings = Settings()
    assert guard_for(settings, CAMERA, [CAMERA]) is None
    assert guard_for(settings, CAMERA, []) == Egress()
    elsewhere = CAMERA.model_copy(update={"source": "rtsp://10.0.0.6/live"})
    assert guard_for(settings, elsewhere, [CAMERA]) == Egress()


def test_the_settings_can_let_everything_in() -> None:
    settings = Settings(allow_internal_targets=True)
    assert guard_for(settings, CAMERA, []) == guard_for(settings, CAMERA, [CAMERA]) == Egress(allow_internal=True)
