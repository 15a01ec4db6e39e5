"""Adapters to other people's packages, one small file each: whoever has the package installed may name it as an engine.

What an adapter declares is known without its package, which is imported in a child process alone. Models that a package
cannot express are `unsupported`, with a sentence; none is turned into another model.
"""
