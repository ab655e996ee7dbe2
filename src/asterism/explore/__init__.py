"""Looking at what a catalog holds: one object as a picture; maps, clusters and searches are to come."""
