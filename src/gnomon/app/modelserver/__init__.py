"""A small OpenAI-compatible server for one small model and its LoRA adapters, on plain CPUs.

It exists so that the demo and small installations have a real model without a GPU; any OpenAI-compatible server (vLLM
for a GPU) takes its place by configuration. It answers in vLLM's dialect where OpenAI has no words: adapters are
loaded by `/v1/load_lora_adapter`, a request's choices stand in `structured_outputs`.

Nothing here may be imported by control, gateway or guard: torch and transformers load when the worker thread starts.
"""
