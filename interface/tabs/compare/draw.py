"""What a compared list looks like, with every what-if in it."""

from attribution.evidence.compare.contrast import Contrast
from attribution.evidence.compare.passages import SentenceContrast
from attribution.export_compare import ComparedList
from attribution.methods import METHODS
from attribution.numbers import counted
from attribution.rerankers.loading.models import MODELS
from attribution.views.compare import A, B, Cut, Names, Outcome, Panel, Which, identity_html, rows_html, words_html
from attribution.views.compare_why import passages_html, why_html
from interface.tabs.compare.state import Compared


def draw_rows(compared: Compared) -> str:
    """The list by rank."""
    changed = {}
    for which, version in compared.versions.items():
        n = len(version.cuts)
        changed[compared.place(which)] = counted(n, "change") if n else "edited text"
    label = METHODS[compared.asked.colour].label
    return rows_html(compared.now(), _names(compared), compared.coloured, by=label, changed=changed)


def _names(compared: Compared) -> Names:
    by_place = {i: document.name for i, document in enumerate(compared.asked.documents, start=1)}
    return Names(by_place, compared.a, compared.b)


def draw_why(compared: Compared) -> str:
    """Who is ahead and by what, as far as it is known."""
    why, now = compared.why, compared.logit(A) - compared.logit(B) if compared.versions else None
    if isinstance(why, Contrast):
        return why_html(why, METHODS[compared.asked.method].label, now)
    if not compared.without:
        return ""
    words = {which: compared.words(which) for which in (A, B)}
    return passages_html(why, compared.without, words, METHODS[compared.asked.colour].label, now)


def draw_words(compared: Compared) -> str:
    """A's and B's texts as buttons."""
    return words_html([_panel(compared, which) for which in (A, B)])


def _panel(compared: Compared, which: Which) -> Panel:
    place, version = compared.place(which), compared.versions.get(which)
    row = next(row for row in compared.ranking.rows if row.place == place)
    cuts = version.cuts if version else ()
    edited = version.text if version and not cuts else None
    text, words, sentences = compared.text(which), compared.words(which), compared.without.get(which)
    return Panel(which, place, text, row.logit, row.truncated, words, sentences, cuts, edited)


def draw_identity(compared: Compared) -> str:
    """What the results are of."""
    asked = compared.asked
    label = MODELS[asked.model_id].label if asked.model_id in MODELS else asked.model_id
    documents = [[document.name, document.text] for document in asked.documents]
    inputs = [asked.model_id, asked.query, asked.form, documents, asked.method, asked.colour]
    return identity_html(inputs, label, compared.ranking)


def exported(compared: Compared) -> tuple[ComparedList]:
    """What a download of the comparison holds."""
    changed = {one.which: one for one in outcomes(compared)}
    texts: dict[str, str] = {which: version.text for which, version in compared.versions.items()}
    return (ComparedList(compared.ranking, _names(compared), compared.why, changed, texts),)


def outcomes(compared: Compared) -> list[Outcome]:
    """What became of each changed document, A first."""
    before, after = ({row.place: row for row in ranking.rows} for ranking in (compared.ranking, compared.now()))
    found = []
    for which, version in sorted(compared.versions.items()):
        place, text = compared.place(which), compared.text(which)
        found.append(
            Outcome(
                which=which,
                done=tuple((text[cut.start : cut.end].strip(), cut.text.strip()) for cut in version.cuts),
                before=before[place].logit,
                after=after[place].logit,
                predicted=version.predicted,
                rank_before=before[place].rank,
                rank_after=after[place].rank,
                n_documents=len(before),
            )
        )
    return found


def predicted(compared: Compared, which: Which, cuts: tuple[Cut, ...]) -> float | None:
    """What the bars or the words' attributions say that `cuts` change the logit by; None where one says nothing.

    They say what a removal costs, nothing of what is put in.
    """
    says = {(word.start, word.end): word.attribution for word in compared.words(which)}
    if isinstance(compared.why, SentenceContrast):
        side, sign = ("first", 1) if which == A else ("second", -1)
        says |= {(bar.start, bar.end): sign * bar.value for bar in compared.why.bars if bar.of == side}
    losses = [None if cut.text else says.get((cut.start, cut.end)) for cut in cuts]
    known = [loss for loss in losses if loss is not None]
    return -sum(known) if known and len(known) == len(losses) else None
