"""Engines: small adapters that answer for a package that fits mixed models.

An engine is found through the entry-point group `relmer.engines`; each entry is a function without arguments that
returns the engine. A package of one's own joins by declaring such an entry point.
"""
