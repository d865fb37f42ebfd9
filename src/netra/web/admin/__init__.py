"""The admin listener: health in detail, stories of requests, who may see them."""
