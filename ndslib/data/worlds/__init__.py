"""Procedural image domains: data for a dataserver when no real images are at hand."""
