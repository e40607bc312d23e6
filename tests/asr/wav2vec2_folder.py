"""Writes small Wav2Vec2 models in the layouts of the published ones, with untrained weights."""

import json
import pathlib

import numpy as np
import safetensors.numpy
import tensorflow as tf

# The vocabulary of facebook/wav2vec2-base-960h; the first is CTC's blank, "|" parts words.
VOCABULARY = ("<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ")


def write_model(
    folder: pathlib.Path, *, masked: bool, weights: str = "tf_model.h5", head: bool = True
) -> pathlib.Path:
    """Writes a model of the real structure, small in width.

    Args:
        folder: receives it.
        masked: like wav2vec2-large-960h-lv60 ("layer" norm, attention mask), not like
            wav2vec2-base-960h ("group" norm, no mask).
        weights: "tf_model.h5", or "model.safetensors" in PyTorch's layout, as published.
        head: with the CTC head.
    """
    import transformers

    folder.mkdir(parents=True)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(VOCABULARY),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm="layer" if masked else "group",
        do_stable_layer_norm=masked,
    )
    tf.keras.utils.set_random_seed(3)
    kind = transformers.TFWav2Vec2ForCTC if head else transformers.TFWav2Vec2Model
    network = kind(config)
    network(network.dummy_inputs)
    if head:
        # Of the untrained head's characters, some would never come; this draws them apart.
        kernel = np.random.default_rng(0).standard_normal((24, len(VOCABULARY)))
        network.lm_head.kernel.assign(kernel)
    if weights == "tf_model.h5":
        network.save_pretrained(folder)
    else:
        config.save_pretrained(folder)
        _write_pytorch_layout(network, folder / weights)
    (folder / "vocab.json").write_text(
        json.dumps({token: index for index, token in enumerate(VOCABULARY)})
    )
    preprocessor = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "sampling_rate": 16000,
        "do_normalize": True,
        "padding_value": 0.0,
        "return_attention_mask": masked,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


def _write_pytorch_layout(network, path: pathlib.Path) -> None:
    from transformers import modeling_tf_pytorch_utils as layouts

    arrays = {}
    for variable in network.weights:
        name, transpose = layouts.convert_tf_weight_name_to_pt_weight_name(
            variable.name, tf_weight_shape=variable.shape
        )
        array = np.asarray(variable)
        transposed = layouts.apply_transpose(transpose, array, array.shape[::-1])
        shape = array.shape if transpose.name == "NO" else array.shape[::-1]
        arrays[name] = np.ascontiguousarray(np.reshape(transposed, shape))
    safetensors.numpy.save_file(arrays, path, metadata={"format": "pt"})
