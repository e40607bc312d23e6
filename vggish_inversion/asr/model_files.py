"""Finds the files of a Wav2Vec2 model: a folder, Hugging Face's cache, or their hub."""

import pathlib

from vggish_inversion.asr.transcriber import SAMPLE_RATE_HZ
from vggish_inversion.files import contents

REQUIRED_FILES = ("config.json", "preprocessor_config.json", "vocab.json")
_OPTIONAL_FILES = ("tokenizer_config.json", "special_tokens_map.json")
# TensorFlow's own layout is preferred: published safetensors hold PyTorch's, which is converted.
WEIGHT_FILES = ("tf_model.h5", "model.safetensors")
_ETAG_TIMEOUT_SECONDS = 10


def find_model(model: str) -> pathlib.Path:
    """The folder of a model; fetches it into Hugging Face's cache if it is nowhere else.

    A cached model is taken as it is, without asking the network whether there is a newer one.

    Args:
        model: a folder, or a name on the hub such as "facebook/wav2vec2-base-960h".

    Raises:
        ValueError: if it cannot be had; the message says what to download, from where, and which
            flag takes it.
    """
    folder = pathlib.Path(model)
    if folder.is_dir():
        missing = [name for name in REQUIRED_FILES if not (folder / name).is_file()]
        if not any((folder / name).is_file() for name in WEIGHT_FILES):
            missing.append(" or ".join(WEIGHT_FILES))
        if missing:
            raise ValueError(
                f"the Wav2Vec2 model in {folder} lacks {', '.join(missing)}; copy the file(s) there"
            )
        return folder
    try:
        return _cached(model) or _fetch(model, local_files_only=False)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"the Wav2Vec2 model {model} is no folder, is not in Hugging Face's cache, and cannot "
            f"be fetched ({reason[0]}); download {', '.join(REQUIRED_FILES)} and "
            f"{' or '.join(WEIGHT_FILES)} from https://huggingface.co/{model} into a folder, "
            f"and name it: --asr_model=FOLDER"
        ) from error


def digests(folder: pathlib.Path, weights: pathlib.Path) -> dict[str, str]:
    """The digests of all files that decide what is heard: alphabet and settings, too; by name."""
    others = [folder / name for name in (*REQUIRED_FILES, *_OPTIONAL_FILES)]
    found = [weights, *(path for path in others if path.is_file())]
    return dict(zip((path.name for path in found), contents.digest_all(found), strict=True))


def _cached(model: str) -> pathlib.Path | None:
    """The model's folder in the cache; None if it is not whole there."""
    from huggingface_hub import errors

    try:
        return _fetch(model, local_files_only=True)
    except errors.LocalEntryNotFoundError:
        return None


def _fetch(model: str, *, local_files_only: bool) -> pathlib.Path:
    """The model's folder in the cache, after fetching what is not there."""
    import huggingface_hub

    def fetch(name: str) -> pathlib.Path:
        path = huggingface_hub.hf_hub_download(
            model, name, etag_timeout=_ETAG_TIMEOUT_SECONDS, local_files_only=local_files_only
        )
        return pathlib.Path(path)

    paths = [fetch(name) for name in REQUIRED_FILES]
    for name in _OPTIONAL_FILES:
        _ignore_absent(fetch, name)
    if not _ignore_absent(fetch, WEIGHT_FILES[0]):
        fetch(WEIGHT_FILES[1])
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
