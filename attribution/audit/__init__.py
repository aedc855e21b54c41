"""Where does a reranker go wrong over a judged set, and what in the text makes it?"""
