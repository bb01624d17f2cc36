"""Where images come from: manifests, loaders, the sample table and the procedural worlds."""
