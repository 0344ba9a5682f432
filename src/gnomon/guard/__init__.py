"""Text in, verdict out: what in a text must not pass, and the text without it.

A text is *folded* into a shadow (`normalise`), a loose multi-pattern scan says which detectors may find something
(`scan`), those look exactly (`detectors/`, one file each), a policy says what happens to each finding (`policy`).
A stream goes through a `window`, which decides how much text cannot change any more.
"""
