"""mixedlm-rs, which has the face of statsmodels' MixedLM."""

from relmer.reference.engines.peers.statsmodels import MixedLM


class MixedLMRs(MixedLM):
    """`mixedlm_rs.MixedLM(y, X, groups, exog_re, exog_vc)`."""

    name = package = "mixedlm-rs"
    module = "mixedlm_rs"
    has_components = False
    capabilities = frozenset({"fit"})


def mixedlm_rs() -> MixedLMRs:
    """The engine."""
    return MixedLMRs()
