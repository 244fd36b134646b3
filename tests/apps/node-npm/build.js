const fs = require('fs')
const isOdd = require('is-odd')

fs.writeFileSync('built.json', JSON.stringify({ odd: isOdd(3), commit: process.env.SOURCE_VERSION }))
