"""What goes wrong with an engine, as opposed to what is wrong with a model."""


class EngineError(RuntimeError):
    """An engine that refused, failed, hung, crashed or answered nonsense; one line that says which."""


class EngineMissing(EngineError):
    """An engine that cannot run on this machine; one line that says what to install."""


class EngineUnsupported(EngineError):
    """The engine does not do such a case; the message says why."""


class TimedOut(EngineError):
    """An engine that did not answer in time."""
