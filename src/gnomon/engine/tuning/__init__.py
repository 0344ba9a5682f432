"""LoRA fine-tuning of a small model on plain CPUs. Heavy: started by name in a process of its own."""
