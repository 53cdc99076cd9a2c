"""Other people's files of tensors: pickles read without trusting them, and safetensors."""
