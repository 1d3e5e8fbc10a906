"""The plate keepers of a running agent's cameras: fed by their threads, asked by the loop. Needs the `[vision]` extra."""

from collections.abc import Sequence

from gatehouse_edge.app.plates import MakePlate, Point
from gatehouse_edge.config import Config
from gatehouse_edge.gate.plates import PlateKeeper, encode
from gatehouse_edge.rules.observations import Observation
from gatehouse_edge.values import Frame, Tracks
from gatehouse_shared.names import DeviceKind


class PlateMakers:
    """A keeper for each colour camera with `plates: true`, and nothing for the others."""

    def __init__(self, config: Config) -> None:
        self._keepers = {
            device: PlateKeeper()
            for device, camera in config.file.cameras.items()
            if camera.plates and config.kind(device) is DeviceKind.CAMERA
        }

    def note(self, frame: Frame, said: Sequence[Observation]) -> None:
        """A frame and what was seen in it; from the camera's thread."""
        keeper = self._keepers.get(frame.device)
        if keeper is not None:
            keeper.note(frame, said)

    def seen(self, said: Observation) -> None:
        """What was seen in a frame of a moment ago; from the thread that looked."""
        if isinstance(said, Tracks) and (keeper := self._keepers.get(said.device)) is not None:
            keeper.seen(said)

    def makers(self) -> dict[str, MakePlate]:
        """What makes a JPEG of each camera's plate."""
        return {device: _maker(keeper) for device, keeper in self._keepers.items()}


def _maker(keeper: PlateKeeper) -> MakePlate:
    def make(region: Sequence[Point] | None) -> bytes | None:
        plate = keeper.plate(region)
        return None if plate is None else encode(plate)

    return make
