"""What a run may say of itself: controls, verdict, evidence, report, card.

Everything here works on plain arrays and dicts, label codes and JSON values; it knows neither
models nor bases, so that any prediction, also another tool's, can be judged.
"""
