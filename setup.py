"""Metadata and dependencies; tool settings live in pyproject.toml."""

import pathlib

import setuptools

_ROOT = pathlib.Path(__file__).parent

# Each range names versions that were seen to work together. tensorflow-io's last wheels load under
# TensorFlow 2.16 alone and stop at Python 3.11, which makes that pair the reference platform. It
# decodes audio in graphs alone (vggish_inversion/audio/in_graph.py): soundfile does elsewhere.
_REFERENCE = "python_version < '3.12'"
_CURRENT = "python_version >= '3.12'"

_BESIDE_THE_PACKAGE = ("vggish_inversion.scripts", "vggish_inversion.hub_models")

setuptools.setup(
    name="vggish-inversion",
    version="0.1.0",
    description="What does a layer of an audio CNN still know about the speech it heard?",
    long_description=(_ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    classifiers=[
        f"Programming Language :: Python :: {version}" for version in ("3.11", "3.12", "3.13")
    ],
    python_requires=">=3.11",
    packages=[
        *setuptools.find_packages(include=["vggish_inversion", "vggish_inversion.*"]),
        *_BESIDE_THE_PACKAGE,
    ],
    # A wheel has the scripts and the model store inside of the package.
    package_dir={name: name.rpartition(".")[2] for name in _BESIDE_THE_PACKAGE},
    package_data={
        "vggish_inversion.report": ["*.html", "*.css", "*.js"],
        "vggish_inversion.targets": ["*.csv"],
        "vggish_inversion.scripts": ["*.csv", "demo_speech/*"],
        "vggish_inversion.hub_models": ["**/*"],
    },
    entry_points={"console_scripts": ["vggish-inversion = vggish_inversion.__main__:main"]},
    install_requires=[
        f"tensorflow>=2.16.2,<2.17; {_REFERENCE}",
        f"tensorflow>=2.18; {_CURRENT}",
        "h5py>=3.10,<4",  # the filters of the weights that ship
        # Before 3.12, settings in a .keras file could run code in safe mode; 3.13's Muon is the
        # first whose steps the default optimiser can take over (make lowest).
        "keras>=3.13,<4",
        "tensorflow-hub>=0.16.1,<0.17",
        "setuptools>=70,<81",  # tensorflow-hub's pkg_resources, which later ones lack
        f"tensorflow-io>=0.37.1,<0.38; {_REFERENCE} and sys_platform == 'linux'",
        f"tf-keras>=2.16,<2.17; {_REFERENCE}",
        f"tf-keras>=2.18; {_CURRENT}",
        "transformers>=4.57,<5",  # the last line with TFWav2Vec2ForCTC
        "librosa>=0.11,<0.12",
        "soundfile>=0.13,<0.14",
        "soxr>=0.5,<2",
        "scikit-learn>=1.4,<2",
        "safetensors>=0.4.3,<1",  # of weights from PyTorch; transformers brings it too
        "numpy>=1.26,<3",
        "absl-py>=2.1,<3",
        "jiwer>=4.0,<5",
        "scipy>=1.15,<2",  # paired tests; before it, they take no Generator
        "pocketsphinx>=5.1.1,<5.2",
        "pystoi>=0.4.1,<0.5",
        "matplotlib>=3.9,<4",
        "tqdm>=4.66,<5",
    ],
    extras_require={
        "gpu": [
            f"tensorflow[and-cuda]>=2.16.2,<2.17; {_REFERENCE}",
            f"tensorflow[and-cuda]>=2.18; {_CURRENT}",
        ],
        "dev": [
            # Networks are tested on the backend that accelerators train them with; 0.4.34 is the
            # last jax seen to share ml-dtypes with TensorFlow 2.16.
            f"jax>=0.4.30,<0.4.35; {_REFERENCE}",
            f"jax>=0.4.30; {_CURRENT}",
            "pytest>=8,<9",
            "hypothesis>=6.100,<7",
            "pytest-xdist>=3.5,<4",
            "ruff==0.14.*",
            "pyright[nodejs]==1.1.*",
            "selenium>=4.20,<5",
            "pyyaml>=6,<7",
            "av>=14,<19",  # ffmpeg, which the reading of audio is compared with
            "ctranslate2>=4.5,<5",
            "whisper-normalizer>=0.1.15,<0.2",
        ],
        # Wide-band PESQ, for evaluate.py --metrics=pesq and benchmarks; C, built on installation.
        "pesq": ["pesq>=0.0.4,<0.1"],
        # --asr=whisper: CTranslate2 runs it without PyTorch; OpenAI's English normaliser, which no
        # other package has with its table of spellings and without PyTorch.
        "whisper": ["ctranslate2>=4.5,<5", "whisper-normalizer>=0.1.15,<0.2"],
        # Takes TensorFlow 2.16's protobuf, and an older Pillow than matplotlib would.
        "beam": ["apache-beam>=2.72,<3"],
        # The site, read from the sources alone: make docs installs these without the package. The
        # notebook is shown by nbconvert, and run anew (make notebook) on ipykernel.
        "docs": [
            "mkdocs-material>=9.5,<10",
            "mkdocstrings[python]>=1,<2",
            "ruff==0.14.*",
            "nbconvert>=7.16,<8",
            "ipykernel>=6.29,<8",
        ],
    },
)
