"""Composition: the roles of an installation as processes."""

import gc

# A role's start makes some 160,000 objects that stay. Looked for after every 700 new ones, as is the default, garbage
# costs a fifth of the start and none is found. Set here because this runs before what a role imports.
gc.set_threshold(50_000)
