"""Rule packs and the matching of spoken claims against them."""
