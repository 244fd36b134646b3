const fs = require('fs')
const ms = require('ms')

fs.mkdirSync('dist/assets', { recursive: true })
fs.writeFileSync('dist/index.html', `<title>built</title><script src="/assets/app.js"></script>`)
fs.writeFileSync('dist/assets/app.js', `console.log(${ms('3s')})`.repeat(100))
