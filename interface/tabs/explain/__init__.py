"""Tab "Explain": what it asks, its runs, their results, sentences and edits, and a second model beside."""
