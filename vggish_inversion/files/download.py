"""Downloads models from TF-Hub into TF-Hub's own cache, whole or not at all.

TF-Hub's own download refuses archives that would write outside of the cache (`../`, links), but
unpacks a stream without comparing gzip's checksum or its end, so that a damaged archive stays in
the cache. Here an archive is checked to its last byte, and its variables are read, before TF-Hub
renames the unpacked folder into the cache. Place, names and locks are TF-Hub's: a model that
either has fetched, both find.
"""

import gzip
import hashlib
import http.client
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable

from vggish_inversion.files import failures, integrity

# Of silence on the network, not of the download.
_TIMEOUT_SECONDS = 20.0

_COMPRESSED = "tf-hub-format=compressed"


def fetch(
    url: str,
    *,
    check: Callable[[str], object],
    alternative: str = "",
    instead: str = "pass that with --target_weights=",
) -> str:
    """The folder of TF-Hub's cache that holds the model at a URL; downloads it the first time.

    Args:
        url: http or https, as TF-Hub would be given it.
        check: is called with the unpacked folder before that goes to the cache; raises ValueError
            to keep it out.
        alternative: another place to download the same weights from, for the error message.
        instead: what to do with the unpacked folder, for the error message.

    Raises:
        integrity.WeightsError: if it cannot be fetched, or was damaged on the way.
    """
    import tensorflow as tf  # here, as not every backend has it
    from tensorflow_hub import resolver

    def download(url: str, folder: str) -> None:
        with (
            urllib.request.urlopen(_compressed(url), timeout=_TIMEOUT_SECONDS) as response,
            gzip.open(response) as archive,
        ):
            resolver.DownloadManager(url).download_and_uncompress(archive, folder)
            while archive.read(1 << 20):  # past tar's own end lie gzip's checksum and length
                pass
        check(folder)

    try:
        cache = resolver.tfhub_cache_dir(use_temp=True)
        folder = resolver.create_local_module_dir(cache, hashlib.sha1(url.encode()).hexdigest())
        return resolver.atomic_download(url, download, folder)
    except (
        OSError,  # the network's, gzip's of a bad checksum, TF-Hub's of a bad archive
        EOFError,
        ValueError,
        http.client.HTTPException,
        zlib.error,
        tf.errors.OpError,
    ) as error:
        raise integrity.WeightsError(
            f"{url}: cannot be fetched ({failures.first_line(error)}); where there is a network, "
            f"download {_compressed(url)} and unpack it into a folder"
            + (f", or download {alternative}" if alternative else "")
            + f", and {instead}"
        ) from error


def _compressed(url: str) -> str:
    """The address at which a model is one archive.

    >>> _compressed("https://tfhub.dev/google/vggish/1")
    'https://tfhub.dev/google/vggish/1?tf-hub-format=compressed'
    """
    return f"{url}{'&' if urllib.parse.urlsplit(url).query else '?'}{_COMPRESSED}"
