"""Engines that run a network, devices, threads and batch plans."""
