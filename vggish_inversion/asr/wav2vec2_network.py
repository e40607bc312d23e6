"""Reads Wav2Vec2's network and processor from a folder, by transformers and Keras 2."""

import os
import pathlib

from vggish_inversion.files import failures

# Weights that only training needs; published files differ in whether they hold them.
_UNUSED_WEIGHTS = ("masked_spec_embed",)


def import_transformers():
    """Imports tf_keras (Keras 2) and transformers beside Keras 3.

    On import, transformers set TF_USE_LEGACY_KERAS, though they reach Keras 2 as `tf_keras`; left
    set, the variable would turn `tf.keras` into Keras 2 for everyone else, in child processes too.
    """
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    try:
        import tf_keras
        import transformers
        from transformers import modeling_tf_utils  # noqa: F401  (checks the variable)
    finally:
        del os.environ["TF_USE_LEGACY_KERAS"]
        if before is not None:
            os.environ["TF_USE_LEGACY_KERAS"] = before
    return tf_keras, transformers


def load_network(folder: pathlib.Path, weights: pathlib.Path, precision: str):
    """Loads the processor and the network of a folder whose files are there.

    Args:
        folder: has `config.json`, `preprocessor_config.json` and `vocab.json`.
        weights: the file of it that is read.
        precision: a policy of Keras, for the activations.

    Raises:
        ValueError: if a file is damaged, or weights of the network are not there.
    """
    tf_keras, transformers = import_transformers()

    class Wav2Vec2(transformers.TFWav2Vec2ForCTC):
        """Under a mixed policy, too, its weight-normalised convolution computes in float32."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            # It multiplies weights of both precisions; its neighbours cast what comes out.
            self.wav2vec2.encoder.pos_conv_embed.conv._set_dtype_policy("float32")

    policy = tf_keras.mixed_precision.global_policy()
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    try:
        tf_keras.mixed_precision.set_global_policy(precision)
        processor = transformers.Wav2Vec2Processor.from_pretrained(folder, local_files_only=True)
        network, report = _read_network(Wav2Vec2, folder, weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{folder} cannot be read as a Wav2Vec2 model ({failures.root_cause(error)}); "
            "copy its files again"
        ) from error
    finally:
        tf_keras.mixed_precision.set_global_policy(policy)
        transformers.logging.set_verbosity(verbosity)
    absent = [
        name
        for name in report["missing_keys"]
        if not name.startswith("dropout") and not any(part in name for part in _UNUSED_WEIGHTS)
    ]
    if absent or report["mismatched_keys"]:
        faults = [*absent, *(str(key[0]) for key in report["mismatched_keys"])]
        raise ValueError(
            f"{weights} lacks weights of a Wav2Vec2 with CTC head ({faults[0]}, {len(faults)} in "
            "all), such as a model that was only pre-trained; use one that was fine-tuned"
        )
    return processor, network


def _read_network(network_class, folder: pathlib.Path, weights: pathlib.Path):
    """The network, and which weights were missing or of another shape."""
    import safetensors
    from transformers import modeling_tf_pytorch_utils as layouts

    in_h5 = weights.suffix == ".h5"
    if not in_h5:
        with safetensors.safe_open(weights, framework="numpy") as archive:
            layout = (archive.metadata() or {}).get("format")
            arrays = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    if in_h5 or layout == "tf":
        return network_class.from_pretrained(
            folder, local_files_only=True, use_safetensors=not in_h5, output_loading_info=True
        )
    # from_pretrained of 4.57 iterates over the archive, which safetensors 0.8 does not allow.
    network = network_class(network_class.config_class.from_pretrained(folder))
    return layouts.load_pytorch_state_dict_in_tf2_model(
        network, arrays, allow_missing_keys=True, output_loading_info=True
    )


def predictor(network, *, masked: bool):
    """`[batch, samples]` float32 and mask -> `[batch, frames]` ids; one trace for all shapes."""
    import tensorflow as tf

    def predict(values, mask):
        mask = mask if masked else None
        logits = network(values, attention_mask=mask, training=False).logits
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    signature = [tf.TensorSpec([None, None], dtype) for dtype in (tf.float32, tf.int32)]
    return tf.function(predict, input_signature=signature)
