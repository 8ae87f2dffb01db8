// What CodeMirror says, in Chinese.
export const PHRASES = {
  Find: '查找', Replace: '替换', next: '下一个', previous: '上一个', all: '全部', 'match case': '区分大小写', 'by word': '整词', regexp: '正则', replace: '替换', 'replace all': '全部替换', close: '关闭',
  'current match': '当前匹配', 'on line': '所在行', 'replaced match on line $': '已替换第 $ 行', 'replaced $ matches': '已替换 $ 处', 'Go to line': '跳到行', go: '跳转',
  'Folded lines': '已折叠的行', 'Unfolded lines': '已展开的行', to: '至', 'folded code': '已折叠', unfold: '展开', 'Fold line': '折叠', 'Unfold line': '展开', Completions: '补全', Diagnostics: '检查结果', 'No diagnostics': '没有检查结果',
  'Selection deleted': '已删除选中内容', '$ unchanged lines': '$ 行未改动', 'Control character': '控制字符',
};
