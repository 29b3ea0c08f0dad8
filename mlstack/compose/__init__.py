"""Pure: from parameters in layers and prototypes to manifests."""
