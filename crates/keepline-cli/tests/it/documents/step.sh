# Asks the page's shell for a step, prints what it said without the last line break, and ends as it did.
echo "$1" >ask
read -r code <answer
printf %s "$(cat said)"
exit "$code"
