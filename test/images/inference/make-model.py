"""Writes a llama model of random weights, some 500 kB: it answers nonsense, at once."""

import sys

import gguf
import numpy

WIDTH, LAYERS, HEADS, FEED_FORWARD, CONTEXT = 64, 2, 4, 128, 131072
# A vocabulary of bytes: every text can be read, and every output is text.
CONTROL = ["<unk>", "<s>", "</s>"]
TOKENS = CONTROL + [f"<0x{byte:02X}>" for byte in range(256)]
TYPES = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256

writer = gguf.GGUFWriter(sys.argv[1], "llama")
writer.add_name("stand-in")
writer.add_context_length(CONTEXT)
writer.add_embedding_length(WIDTH)
writer.add_block_count(LAYERS)
writer.add_feed_forward_length(FEED_FORWARD)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_vocab_size(len(TOKENS))
writer.add_tokenizer_model("llama")
writer.add_token_list(TOKENS)
writer.add_token_scores([0.0] * len(TOKENS))
writer.add_token_types([int(kind) for kind in TYPES])
writer.add_bos_token_id(1)
writer.add_eos_token_id(2)

random = numpy.random.default_rng(1)


def matrix(name, rows, columns):
    writer.add_tensor(name, random.normal(0, 0.2, (rows, columns)).astype(numpy.float32))


def ones(name):
    writer.add_tensor(name, numpy.ones(WIDTH, dtype=numpy.float32))


matrix("token_embd.weight", len(TOKENS), WIDTH)
matrix("output.weight", len(TOKENS), WIDTH)
ones("output_norm.weight")
for layer in range(LAYERS):
    block = f"blk.{layer}"
    ones(f"{block}.attn_norm.weight")
    ones(f"{block}.ffn_norm.weight")
    for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
        matrix(f"{block}.{part}.weight", WIDTH, WIDTH)
    matrix(f"{block}.ffn_gate.weight", FEED_FORWARD, WIDTH)
    matrix(f"{block}.ffn_up.weight", FEED_FORWARD, WIDTH)
    matrix(f"{block}.ffn_down.weight", WIDTH, FEED_FORWARD)

writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
