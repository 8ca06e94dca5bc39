"""The command line of vLLM 0.7.3's OpenAI server, as far as tests and users come across it."""

import argparse

# https://docs.vllm.ai/en/v0.7.3/serving/openai_compatible_server.html, engine_args.html
TEXTS = (
    "--model --tokenizer --revision --code-revision --tokenizer-revision --download-dir --hf-overrides "
    "--chat-template --tool-call-parser --reasoning-parser --quantization --rope-scaling --override-generation-config "
    "--generation-config --compilation-config --limit-mm-per-prompt --allowed-local-media-path --response-role "
    "--api-key --host --root-path --ssl-keyfile --ssl-certfile --ssl-ca-certs --middleware --allowed-origins "
    "--allowed-methods --allowed-headers --speculative-model --logits-processor-pattern --model-loader-extra-config "
    "--override-neuron-config --override-pooler-config --worker-cls --scheduler-cls --qlora-adapter-name-or-path"
).split()
WHOLE_NUMBERS = (
    "--port --tensor-parallel-size --pipeline-parallel-size --max-parallel-loading-workers --block-size --seed "
    "--max-num-batched-tokens --max-num-seqs --max-logprobs --max-model-len --max-seq-len-to-capture "
    "--num-scheduler-steps --num-lookahead-slots --num-gpu-blocks-override --max-loras --max-lora-rank "
    "--num-speculative-tokens --max-num-partial-prefills --max-long-partial-prefills --max-log-len --multi-step-stream-outputs"
).split()
NUMBERS = "--gpu-memory-utilization --swap-space --cpu-offload-gb --rope-theta --scheduler-delay-factor".split()
SWITCHES = (
    "--trust-remote-code --enforce-eager --enable-prefix-caching --enable-chunked-prefill --disable-log-stats "
    "--disable-log-requests --disable-custom-all-reduce --enable-lora --enable-sleep-mode --use-v2-block-manager "
    "--enable-auto-tool-choice --enable-reasoning --return-tokens-as-token-ids --disable-fastapi-docs "
    "--disable-frontend-multiprocessing --enable-request-id-headers --enable-prompt-tokens-details "
    "--disable-sliding-window --skip-tokenizer-init --allow-credentials --calculate-kv-scales --ray-workers-use-nsight"
).split()
CHOICES = {
    "--dtype": "auto half float16 bfloat16 float float32",
    "--kv-cache-dtype": "auto fp8 fp8_e5m2 fp8_e4m3",
    "--load-format": "auto pt safetensors npcache dummy tensorizer sharded_state gguf bitsandbytes mistral runai_streamer",
    "--task": "auto generate embedding embed classify score reward transcription",
    "--tokenizer-mode": "auto slow mistral custom",
    "--config-format": "auto hf mistral",
    "--distributed-executor-backend": "ray mp uni external_launcher",
    "--device": "auto cuda neuron cpu openvino tpu xpu hpu",
    "--chat-template-content-format": "auto string openai",
    "--uvicorn-log-level": "debug info warning error critical trace",
    "--scheduling-policy": "fcfs priority",
    "--guided-decoding-backend": "outlines lm-format-enforcer xgrammar",
    "--model-impl": "auto vllm transformers",
    "--preemption-mode": "recompute swap",
}
SHORT = {"--tensor-parallel-size": "-tp", "--pipeline-parallel-size": "-pp", "--quantization": "-q"}
DEFAULTS = {
    "--model": "facebook/opt-125m",
    "--port": 8000,
    "--gpu-memory-utilization": 0.9,
    "--tensor-parallel-size": 1,
    "--dtype": "auto",
}


def parse():
    parser = argparse.ArgumentParser(prog="api_server.py", description="stand-in for vLLM's OpenAI server")
    parser.add_argument("--served-model-name", nargs="+")

    def add(name, **how):
        short = [SHORT[name]] if name in SHORT else []
        parser.add_argument(name, *short, default=DEFAULTS.get(name), **how)

    for names, kind in ((TEXTS, str), (WHOLE_NUMBERS, int), (NUMBERS, float)):
        for name in names:
            add(name, type=kind)
    for name in SWITCHES:
        parser.add_argument(name, action="store_true")
    for name, words in CHOICES.items():
        add(name, choices=words.split())
    return parser.parse_args()
