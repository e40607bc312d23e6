"""Writes a tiny Whisper of CTranslate2's own form: random weights, a vocabulary of a few words."""

import pathlib

import numpy as np
from ctranslate2.specs import whisper_spec

WORDS = ("a", "bird", "sings", "in", "the", "old", "garden", "of", "3", "kings")
_SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>")
_SPECIAL += ("<|nospeech|>", "<|notimestamps|>", "<|0.00|>")
_WIDTH, _BANDS, _CONTEXT, _POSITIONS = 8, 80, 1500, 448


def write_whisper_folder(folder: pathlib.Path, *, seed: int = 0) -> pathlib.Path:
    """Writes model.bin, config.json, tokenizer.json and vocabulary.json; returns the folder."""
    import tokenizers

    rng = np.random.default_rng(seed)
    tokens = [*WORDS, *_SPECIAL]

    def weights(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    def fill_norm(spec) -> None:
        spec.gamma, spec.beta = np.ones(_WIDTH, np.float32), weights(_WIDTH)

    def fill_linear(spec, outputs: int, inputs: int) -> None:
        spec.weight, spec.bias = weights(outputs, inputs), weights(outputs)

    def fill_attention(spec, *, of_another: bool = False) -> None:
        fill_norm(spec.layer_norm)
        sizes = (1, 2, 1) if of_another else (3, 1)
        for linear, times in zip(spec.linear, sizes, strict=True):
            fill_linear(linear, times * _WIDTH, _WIDTH)

    def fill_layer(layer) -> None:
        fill_attention(layer.self_attention)
        if hasattr(layer, "attention"):
            fill_attention(layer.attention, of_another=True)
        fill_norm(layer.ffn.layer_norm)
        fill_linear(layer.ffn.linear_0, 2 * _WIDTH, _WIDTH)
        fill_linear(layer.ffn.linear_1, _WIDTH, 2 * _WIDTH)

    spec = whisper_spec.WhisperSpec(1, 2, 1, 2)
    for conv, inputs in ((spec.encoder.conv1, _BANDS), (spec.encoder.conv2, _WIDTH)):
        conv.weight, conv.bias = weights(_WIDTH, inputs, 3), weights(_WIDTH)
    spec.encoder.position_encodings.encodings = weights(_CONTEXT, _WIDTH)
    spec.decoder.position_encodings.encodings = weights(_POSITIONS, _WIDTH)
    spec.decoder.embeddings.weight = weights(len(tokens), _WIDTH)
    fill_linear(spec.decoder.projection, len(tokens), _WIDTH)
    for part in (spec.encoder, spec.decoder):
        fill_norm(part.layer_norm)
        for layer in part.layer:
            fill_layer(layer)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids = [tokens.index("<|en|>"), tokens.index("<|de|>")]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization=None)
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))

    model = tokenizers.models.WordLevel({t: i for i, t in enumerate(tokens)}, unk_token="a")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
