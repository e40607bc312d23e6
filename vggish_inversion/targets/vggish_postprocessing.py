"""AudioSet's form of the VGGish embedding: PCA with whitening, clipped, in 8 bits.

Source: `vggish_postprocess.py` of tensorflow/models (research/audioset/vggish), with the parameters
released as `vggish_pca_params.npz`. The features of AudioSet and YouTube-8M are in this form.
"""

import dataclasses

import numpy as np

from vggish_inversion.files import hub

PCA_URL = "https://storage.googleapis.com/audioset/vggish_pca_params.npz"
EMBEDDING_SIZE = 128

_EIGEN_VECTORS, _MEANS = "pca_eigen_vectors", "pca_means"
_QUANTIZE_MIN, _QUANTIZE_MAX = -2.0, 2.0


@dataclasses.dataclass(frozen=True)
class Postprocessor:
    """Whitens and quantises embeddings.

    Attributes:
        eigen_vectors: `[128, 128]` float, a component in each row, divided by its deviation.
        means: `[128]` float, of the embeddings.
    """

    eigen_vectors: np.ndarray
    means: np.ndarray

    def __repr__(self) -> str:
        """What it is."""
        return f"<Postprocessor: {list(self.eigen_vectors.shape)}>"

    def whiten(self, embeddings: np.ndarray) -> np.ndarray:
        """Rotates and scales: `[patches, 128]` float -> `[patches, 128]` float.

        Args:
            embeddings: the tap `fc2` of VGGish.

        Raises:
            ValueError: if they are not `[patches, 128]`.
        """
        embeddings = np.asarray(embeddings)
        if embeddings.ndim != 2 or embeddings.shape[1] != EMBEDDING_SIZE:
            raise ValueError(
                f"expected embeddings [patches, {EMBEDDING_SIZE}], found "
                f"{list(embeddings.shape)}; give the tap fc2 of VGGish"
            )
        return (embeddings - self.means) @ self.eigen_vectors.T

    def quantize(self, embeddings: np.ndarray) -> np.ndarray:
        """Whitens, clips to [-2, 2] and scales to 0 .. 255: `[patches, 128]` float -> uint8.

        Fractions are cut off, not rounded, as in the release.
        """
        clipped = np.clip(self.whiten(embeddings), _QUANTIZE_MIN, _QUANTIZE_MAX)
        scale = 255.0 / (_QUANTIZE_MAX - _QUANTIZE_MIN)
        return ((clipped - _QUANTIZE_MIN) * scale).astype(np.uint8)


def load_postprocessor(path: hub.Source) -> Postprocessor:
    """Reads `vggish_pca_params.npz`.

    Args:
        path: of the file, which is at `PCA_URL`; its means may be a column.

    Raises:
        hub.WeightsError: if the file is missing, damaged or another one.
    """
    arrays = hub.read_npz(path)
    allowed = {
        _EIGEN_VECTORS: [(EMBEDDING_SIZE, EMBEDDING_SIZE)],
        _MEANS: [(EMBEDDING_SIZE,), (EMBEDDING_SIZE, 1)],
    }
    for name, shapes in allowed.items():
        if name not in arrays or arrays[name].shape not in shapes:
            found = list(arrays[name].shape) if name in arrays else " ".join(sorted(arrays))
            wanted = " or ".join(str(list(shape)) for shape in shapes)
            raise hub.WeightsError(
                f"{path}: expected {name} {wanted}, found {found or 'no arrays'}; give "
                f"vggish_pca_params.npz, which is at {PCA_URL}"
            )
    return Postprocessor(arrays[_EIGEN_VECTORS], arrays[_MEANS].reshape(-1))
