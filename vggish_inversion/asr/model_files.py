"""Finds the files of a recogniser: in a folder, Hugging Face's cache, or their hub."""

import dataclasses
import pathlib

from vggish_inversion.asr.transcriber import SAMPLE_RATE_HZ
from vggish_inversion.files import contents, formats

_ETAG_TIMEOUT_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class ModelFiles:
    """The files that a kind of recogniser is made of.

    Attributes:
        kind: as messages call it.
        required: names of files.
        weights: names of files, one of which is enough; the first that exists is preferred.
        optional: names of files that a model need not have.
    """

    kind: str
    required: tuple[str, ...]
    weights: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def find(self, model: str) -> pathlib.Path:
        """The folder of a model; fetches it into Hugging Face's cache if it is nowhere else.

        A cached model is taken as it is, without asking the network whether there is a newer one.

        Args:
            model: a folder, or a name on the hub such as "facebook/wav2vec2-base-960h".

        Raises:
            ValueError: if it cannot be had; the message says what to download, from where, and
                which flag takes it.
        """
        folder = pathlib.Path(model)
        if folder.is_dir():
            missing = [name for name in self.required if not (folder / name).is_file()]
            if not any((folder / name).is_file() for name in self.weights):
                missing.append(" or ".join(self.weights))
            if missing:
                raise ValueError(
                    f"the {self.kind} model in {folder} lacks {', '.join(missing)}; copy the "
                    "file(s) there"
                )
            for path in (folder / name for name in (*self.required, *self.weights)):
                if formats.is_stand_in(path):
                    raise ValueError(formats.refusal(path, f"a file of a {self.kind} model"))
            return folder
        try:
            return self._cached(model) or self._fetch(model, local_files_only=False)
        except (OSError, ValueError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ValueError(
                f"the {self.kind} model {model} is no folder, is not in Hugging Face's cache, and "
                f"cannot be fetched ({reason[0]}); download {', '.join(self.required)} and "
                f"{' or '.join(self.weights)} from https://huggingface.co/{model} into a folder, "
                f"and name it: --asr_model=FOLDER"
            ) from error

    def digests(self, folder: pathlib.Path) -> dict[str, str]:
        """Digests of all files of a model that decide what it hears, by their names."""
        weights = next(path for name in self.weights if (path := folder / name).is_file())
        others = [folder / name for name in (*self.required, *self.optional)]
        found = [weights, *(path for path in others if path.is_file())]
        return dict(zip((path.name for path in found), contents.digest_all(found), strict=True))

    def _cached(self, model: str) -> pathlib.Path | None:
        """The model's folder in the cache; None if it is not whole there."""
        from huggingface_hub import errors

        try:
            return self._fetch(model, local_files_only=True)
        except errors.LocalEntryNotFoundError:
            return None

    def _fetch(self, model: str, *, local_files_only: bool) -> pathlib.Path:
        """The model's folder in the cache, after fetching what is not there."""
        import huggingface_hub

        def fetch(name: str) -> pathlib.Path:
            path = huggingface_hub.hf_hub_download(
                model, name, etag_timeout=_ETAG_TIMEOUT_SECONDS, local_files_only=local_files_only
            )
            return pathlib.Path(path)

        paths = [fetch(name) for name in self.required]
        for name in self.optional:
            _ignore_absent(fetch, name)
        if not any(_ignore_absent(fetch, name) for name in self.weights[:-1]):
            fetch(self.weights[-1])
        return paths[0].parent


def _ignore_absent(fetch, name: str) -> bool:
    """Fetches a file that a model need not have; False if it has none."""
    from huggingface_hub import errors

    try:
        fetch(name)
    except errors.EntryNotFoundError:  # its local kind too: what matters is asked for without this
        return False
    return True


def check_sample_rate(sample_rate_hz: int, model: str) -> None:
    """Raises ValueError if a model does not listen at 16 kHz."""
    if sample_rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(
            f"the Wav2Vec2 model {model} listens at {sample_rate_hz} Hz; expected {SAMPLE_RATE_HZ}"
        )
