"""Words that English uses for one another when it speaks of things, quantities and work. General words only: what the terms of a
trade mean is left to the documents."""

from collections import defaultdict

from .words import stem

_GROUPS = """
about approximately roughly circa
above beyond exceed greater over past
accelerate hasten speed fast quick rapid
acceptable admissible allowable permissible safe tolerable
account consider handle treat
accuracy accurate exact precise precision
add append extra further additional
adjust correct correction modify normalise
advantage benefit
advise propose recommend suggest recommendation
affect effect impact influence matter
agree match
aim goal purpose
allow permit accept tolerate
alter change modify vary
amount quantity
appear develop emerge happen occur
apply use employ
approach method procedure technique
area surface
area diameter dimension extent measurement size
assess calculate compute derive determine estimate evaluate judge obtain predict
attach fix fasten
average mean
avoid prevent
back rear behind
bear carry hold resist support sustain take
begin onset start initial
below beneath under underneath
best excellent
big great huge large
border boundary cutoff cut limit line separate threshold
bottom base underside
brand make
building construction hall house structure
category class grade group kind mode rank sort type
cause reason because due
cease end finish stop
cheap inexpensive
check inspect examine verify
close near adjacent
collapse break fail failure
collect gather
common frequent usual
component constituent element ingredient part portion
condition requirement criterion state
connect join link relate tie
constant steady uniform
contaminate pollute
control decide dominate govern
cost expense price
couple pair two
crack fracture
crumble crush break
damage disturb harm hurt
damp moist wet
danger hazard risk
dark black
decay decompose rot
decline decrease diminish drop lessen lower reduce shrink
deep depth
degree temperature
deliver reach transfer transmit
design plan
detect identify recognise
device equipment instrument tool apparatus
diagram chart plot graph
difference differ distinguish
dig excavate
disappear vanish
disregard ignore neglect omit skip
distance gap spacing interval
divide separate split
double twice two dual
drawback disadvantage limitation
drain drainage
duration period time
early soon
easy simple
edge rim margin
efficiency efficient energy
effort energy power work
elastic elasticity
entire total whole
equal identical same
equation expression formula
error flaw mistake uncertainty
even level flat
every frequency interval often
exclude omit except
experiment test trial
explain reason why
extreme maximum
fall drop sink
feature property characteristic
fill fillings
flow seep
force load
frequently often
front ahead
give provide supply yield
good suitable
grain particle
ground soil
grow increase raise rise
guess estimate
hammer ram
hand manual
handle treat
harmful damaging
hazardous dangerous
heat temperature warm hot
heavy mass weigh weight
height high tall
hit blow strike stroke
hole borehole
humid humidity moisture water
inclination incline slope tilt lean angle
indicate reveal show suggest tell
inner inside internal
install place put set
inspect examine look
join connect
last final
layer stratum bed
length long
lift raise rise
little small tiny minor
location place position site
loss lose decrease
machine machinery
major main principal primary
material substance
maximum highest largest most peak upper
minimum least lowest lower smallest
mistaken wrong
mix mixture blend
monitor observe record measure register
name term call label
narrow thin
necessary need require
negligible small
new recent modern
noise sound
number count figure
odour smell
opposite reverse
outer outside external
percentage percent fraction portion proportion share
person people
pierce penetrate pass
powder dust
press push squeeze
probe cone penetrometer
proof evidence
proportional ratio
proportion quotient ratio
pull tension
quality good poor
quantify measure
rare seldom
rate speed velocity
relation relationship ratio
reliable rely trust
remain stay
remove take
repeat again
replace substitute instead
rest remainder
result outcome
rigid stiff
rigidity stiffness modulus
rough coarse
round circular circle
rule criterion
sample specimen
score value index
sensitive delicate
shake vibrate
shallow depth
shape form
short length small
smooth even
solid firm
speed quick
square rectangular
stable stability
standard norm
stone rock boulder
strength strong
stress pressure
stroke blow
sturdy strong
summer winter season
support carry
symbol letter sign designation
thick thickness
thread string
tip point end
touch feel
trench excavation
triangle triangular
true real actual
trust reliable
typical usual
underground ground
useful helpful
vertical upright
visible see
wall partition
wash rinse
weak soft
weather climate
weigh heavy
wide width breadth
worst poorest
"""
_UNITS = """
kilogram kilograms kg
gram grams g
tonne tonnes ton tons t
metre metres meter meters m
millimetre millimetres millimeter millimeters mm
centimetre centimetres centimeter centimeters cm
kilometre kilometres kilometer kilometers km
kilopascal kilopascals kpa
megapascal megapascals mpa
kilonewton kilonewtons kn
newton newtons n
second seconds s
minute minutes min
hour hours h
celsius c
degree degrees
"""
_NUMBERS = """
one 1
two 2 both pair
three 3
four 4
five 5
six 6
seven 7
eight 8
nine 9
ten 10
twelve 12
fifteen 15
twenty 20
thirty 30
forty 40
fifty 50
hundred 100
thousand 1000
half 0.5
zero 0
"""


def _likes() -> dict[str, frozenset[str]]:
    likes: dict[str, set[str]] = defaultdict(set)
    for line in (_GROUPS + _UNITS + _NUMBERS).splitlines():
        group = {stem(word) for word in line.split()}
        for word in group:
            likes[word] |= group - {word}
    return {word: frozenset(others) for word, others in likes.items()}


LIKE = _likes()
"""Stem → the stems of words that may stand for it."""
