"""Networks in every file that holds weights, and their readers."""

import json
import pathlib
import shutil

import numpy as np

from fuzzing import readers
from fuzzing.readers import Reader


def build_network():
    """A CNN such as a user may bring."""
    import keras

    patches = keras.Input((96, 64), name="log_mel")
    x = keras.layers.Reshape((96, 64, 1))(patches)
    x = keras.layers.Conv2D(2, 3, 4, activation="relu", name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(patches, keras.layers.Dense(2, name="classes")(x), name="network")


def write_network(folder: pathlib.Path) -> None:
    """A `.keras` file with its log-mel settings beside it."""
    build_network().save(folder / "network.keras")
    (folder / "network.json").write_text(json.dumps({"num_bands": 64, "log_offset": 0.001}))


def write_weights(folder: pathlib.Path) -> None:
    """A `.weights.h5` file."""
    build_network().save_weights(folder / "network.weights.h5")


def write_safetensors(folder: pathlib.Path) -> None:
    """Arrays by name, as PyTorch's users keep them."""
    from safetensors.numpy import save_file

    arrays = {"features.0.weight": np.ones((4, 1, 3, 3), np.float32)}
    save_file(arrays | {"features.0.bias": np.zeros(4, np.float32)}, folder / "net.safetensors")


def write_hdf5(folder: pathlib.Path) -> None:
    """A network in HDF5, as Keras 1 and 2 wrote them."""
    build_network().save(folder / "network.h5")


def write_npz(folder: pathlib.Path) -> None:
    """VGGish's PCA parameters, made up."""
    arrays = {"pca_eigen_vectors": np.eye(128, dtype=np.float32)}
    np.savez(folder / "pca.npz", **arrays, pca_means=np.zeros(128, np.float32))


def write_checkpoint(folder: pathlib.Path) -> None:
    """A checkpoint of TensorFlow 1."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.get_variable("vggish/conv1/weights", [3, 3, 1, 4])
        tf.compat.v1.get_variable("vggish/conv1/biases", [4])
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"), write_meta_graph=False)


def write_saved_target(folder: pathlib.Path) -> None:
    """A SavedModel of log-mel patches, as a target."""
    build_network().export(str(folder / "saved"), verbose=False)


def write_export(folder: pathlib.Path) -> None:
    """What scripts/export_saved_model.py writes."""
    from vggish_inversion import vocoders
    from vggish_inversion.inverters import run
    from vggish_inversion.reconstruction import saved_model

    trained = run.read_run(readers.INVERTER)
    target = trained.load_target()
    vocoder = vocoders.load_vocoder("griffin_lim", target.log_mel)
    saved_model.export_saved_model(trained, folder / "saved", target=target, vocoder=vocoder)


def write_store(folder: pathlib.Path) -> None:
    """A model store of one encoder and one inverter, with cards and digests."""
    for name in (
        "small_encoder/speech_commands/1",
        "inverter/small_encoder/speech_commands/layer_6/paper-l1/1",
    ):
        shutil.copytree(readers.STORE / name, folder / name)


def write_wav2vec2(folder: pathlib.Path) -> None:
    """A recogniser's folder, of untrained weights."""
    import transformers  # pyright: ignore[reportMissingImports]

    config = transformers.Wav2Vec2Config(
        **{"vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2},
        **{"intermediate_size": 8, "conv_dim": (4,) * 7, "num_conv_pos_embeddings": 4},
        num_conv_pos_embedding_groups=2,
    )
    network = transformers.TFWav2Vec2ForCTC(config)
    network(network.dummy_inputs)
    network.save_pretrained(folder)
    characters = ("<pad>", "<s>", "</s>", "<unk>", "|", "E", "T", "A")
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(characters)}))
    preprocessor = {"sampling_rate": 16000, "do_normalize": True, "return_attention_mask": False}
    preprocessor |= {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "padding_value": 0.0}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))


def _read_network(folder, _):
    from vggish_inversion.targets import loading

    loading.load_target(str(folder / "network.keras"))


def _read_weights(folder, _):
    from vggish_inversion.files import hub

    hub.load_keras_weights(build_network(), folder / "network.weights.h5")


def _read_arrays(folder, _):
    from vggish_inversion.files import hub

    hub.read_variables(folder)


def _read_npz(folder, _):
    from vggish_inversion.targets import vggish_postprocessing

    vggish_postprocessing.load_postprocessor(folder / "pca.npz")


def _read_checkpoint(folder, _):
    from vggish_inversion.files import hub

    hub.read_variables(folder)


def _read_variables(folder, _):
    from vggish_inversion.files import hub

    hub.read_variables(folder / "saved")


def _read_target(folder, _):
    from vggish_inversion.targets import loading

    loading.load_target(str(folder / "saved"))


def _read_export(folder, _):
    from vggish_inversion.reconstruction import store

    store.load_reconstructor(str(folder / "saved"))


def _read_store(folder, _):
    import os

    from vggish_inversion.files import hub
    from vggish_inversion.reconstruction import store
    from vggish_inversion.tasks import card

    os.environ[hub.MODELS_VARIABLE] = str(folder)
    store.format_table()
    card.accuracy_table(folder)
    store.load_reconstructor("small_encoder/speech_commands", layer="layer_6")


def _read_wav2vec2(folder, _):
    from vggish_inversion import asr

    asr.load_transcriber("wav2vec2", model=str(folder))


READERS = (
    Reader("model files", ".keras", write_network, "*", _read_network, 2),
    Reader("model files", ".weights.h5", write_weights, "*", _read_weights, 2),
    Reader("model files", ".safetensors", write_safetensors, "*", _read_arrays),
    Reader("model files", ".h5", write_hdf5, "*", _read_arrays),
    Reader("model files", ".npz", write_npz, "*", _read_npz),
    Reader("model files", "checkpoint", write_checkpoint, "model.ckpt.*", _read_checkpoint),
    Reader("model files", "variables", write_saved_target, "saved/v*/*", _read_variables),
    Reader("model files", "SavedModel", write_saved_target, "**/*.pb", _read_target),
    Reader("model files", "exported SavedModel", write_export, "saved/**/*.*", _read_export),
    Reader("model files", "store", write_store, "**/*.*", _read_store),
    Reader("model files", "Wav2Vec2", write_wav2vec2, "*", _read_wav2vec2),
)  # fmt: skip
