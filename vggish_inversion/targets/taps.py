"""The places of a network that are read."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Tap:
    """A place in a network where activations are read.

    Attributes:
        name: as in the network's own source.
        shape: of one patch's activations, without the batch axis.
        activation: the last operation before the tap, "relu" or "linear" for example.
    """

    name: str
    shape: tuple[int, ...]
    activation: str

    @property
    def num_values(self) -> int:
        """Numbers per patch."""
        size = 1
        for length in self.shape:
            size *= length
        return size
