"""Engines that live in R, each in a child process."""
