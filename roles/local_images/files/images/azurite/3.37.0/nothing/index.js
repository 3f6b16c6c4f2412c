// What is loaded of it is never used.
module.exports = {};
