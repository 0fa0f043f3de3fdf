"""Forms in which an exported file is handed on, one module per kind; `BUNDLES` names them."""
